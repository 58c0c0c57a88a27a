"""The sub-batches of a step that one process computes."""

from collections.abc import Callable, Mapping, Sequence

from catscale.data.batching import Batch
from catscale.distributed.dealing import Slice, deal
from catscale.distributed.processes import Processes

Shape = tuple[int, int, int]
"""B sentences, S source and T target positions of a sub-batch."""


def share(batches: Mapping[str, list[Batch]], processes: Processes) -> dict[str, list[Batch]]:
    """Return what one process computes of a step's sub-batches, some of them cut.

    Args:
        batches: All of them, by task.
        processes: Says which process, and of how many.
    """
    if processes.size == 1:
        return dict(batches)
    mine: dict[str, list[Batch]] = {}
    for task, batch, part in _deal(batches, processes.size)[processes.rank]:
        mine.setdefault(task, []).append(batch.rows(part.start, part.end))
    return mine


def dealt_shapes(batches: Mapping[str, list[Batch]], size: int) -> list[dict[str, list[Shape]]]:
    """Return the shapes of what `share` gives each process, by task, which all processes know.

    Args:
        batches: The sub-batches of a step, by task.
        size: The number of processes.
    """
    each: list[dict[str, list[Shape]]] = []
    for mine in _deal(batches, size):
        shapes: dict[str, list[Shape]] = {}
        for task, batch, part in mine:
            _, source, target = batch.shape
            shapes.setdefault(task, []).append((part.end - part.start, source, target))
        each.append(shapes)
    return each


def count_parts(
    batches: Mapping[str, list[Batch]],
    size: int,
    are_halved: bool,
    join: Callable[[Sequence[Shape]], list[list[int]]] | None = None,
) -> dict[str, int]:
    """Return the most parts of each task that one process computes.

    Args:
        batches: The sub-batches of a step, by task.
        size: The number of processes.
        are_halved: Whether a process cuts a task's only part of several sentences in two.
        join: Says which parts of a task a process computes together; None where it computes them one by one.
    """
    most = dict.fromkeys(batches, 0)
    for mine in dealt_shapes(batches, size):
        for task, found in mine.items():
            is_cut = are_halved and len(found) == 1 and found[0][0] > 1
            most[task] = max(most[task], 2 if is_cut else len(found if join is None else join(found)))
    return most


def _deal(batches: Mapping[str, list[Batch]], size: int) -> list[list[tuple[str, Batch, Slice]]]:
    """Return the rows that each process has of each sub-batch, with its task."""
    numbered = [(task, batch) for task, found in batches.items() for batch in found]
    dealt = deal([batch.shape for _, batch in numbered], size)
    return [[(*numbered[part.number], part) for part in mine] for mine in dealt]
