"""The work of a step dealt to the processes, so that each has as much of it.

Every process holds neighbours in length, which share passes with little padding, and a sub-batch is cut where another
process goes on. Beside it, the largest first to whoever has least (longest processing time) balances as well, and pads
the passes that are shared by half more (`benchmarks/processes.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

SLACK = 0.015
"""Part of a process's work that it may have more or less at either end, where that saves a cut."""
TARGET = 2.0
"""The cost of a target position beside a source position: decoder layers also attend to the source, and predict."""
ATTENTION = 3072
"""Positions of a sentence at which attention costs as much as the rest of a layer, 6 × a width of 512."""


@dataclass(frozen=True)
class Slice:
    """Rows of one sub-batch.

    Attributes:
        number: The sub-batch.
        start: Its first row of them.
        end: The row after the last.
    """

    number: int
    start: int
    end: int


def cost_of_row(source: int, target: int) -> float:
    """Return what a sentence pair of a sub-batch costs to compute, in source positions.

    Args:
        source: S, padding included.
        target: T, padding included.

    Example:
        >>> cost_of_row(3072, 0), cost_of_row(0, 1536)
        (6144.0, 3840.0)
    """
    return source + TARGET * target + (source * source + source * target + target * target) / ATTENTION


def deal(shapes: Sequence[tuple[int, int, int]], size: int) -> list[list[Slice]]:
    """Deal the rows of sub-batches to processes, the same on each of them.

    Args:
        shapes: B, S and T of each sub-batch.
        size: The number of processes.

    Returns:
        The slices of each process, by the number of their sub-batch; together they hold each row once. A process has
        none where there are fewer rows than processes.

    Example:
        >>> deal([(4, 9, 9), (4, 9, 9), (4, 9, 9)], 2)
        [[Slice(number=0, start=0, end=4), Slice(number=1, start=0, end=2)], \
[Slice(number=1, start=2, end=4), Slice(number=2, start=0, end=4)]]
    """
    order = sorted(range(len(shapes)), key=lambda number: (shapes[number][2], shapes[number][1]))
    each = [cost_of_row(*shapes[number][1:]) for number in order]
    mean = sum(shapes[number][0] * cost for number, cost in zip(order, each, strict=True)) / size
    found: list[list[Slice]] = [[] for _ in range(size)]
    process, before = 0, 0.0  # the one that takes now, and the work that was dealt
    for number, cost in zip(order, each, strict=True):
        rows, start = shapes[number][0], 0
        while start < rows:
            left = rows - start
            room = (process + 1) * mean - before
            taken = left
            if process + 1 < size and left * cost > room + SLACK * mean:
                taken = 0 if room <= SLACK * mean else min(left, round(room / cost))
            if taken:
                found[process].append(Slice(number, start, start + taken))
                start, before = start + taken, before + taken * cost
            if process + 1 < size and (taken < left or before >= (process + 1 - SLACK) * mean):
                process += 1
    return [sorted(slices, key=lambda part: part.number) for slices in found]


def balance(shapes: Sequence[tuple[int, int, int]], dealt: Sequence[Sequence[Slice]]) -> float:
    """Return the mean work of the processes over that of the one that has most, 1 where all have the same.

    Args:
        shapes: B, S and T of each sub-batch.
        dealt: The slices of each process.
    """
    work = [sum((part.end - part.start) * cost_of_row(*shapes[part.number][1:]) for part in mine) for mine in dealt]
    return sum(work) / len(work) / max(work)
