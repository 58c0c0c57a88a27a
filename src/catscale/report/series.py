"""Rows that a figure draws, from records of several seeds: thinned, averaged over seeds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

FigureRow = dict[str, Any]
T = TypeVar("T")


def thin(values: Sequence[T], limit: int) -> list[T]:
    """Return at most `limit` of the values, evenly spaced, the first and the last among them.

    Example:
        >>> thin([0, 1, 2, 3, 4, 5, 6], 3)
        [0, 3, 6]
    """
    if len(values) <= limit:
        return list(values)
    if limit < 2:
        return [values[-1]]
    return [values[round(i * (len(values) - 1) / (limit - 1))] for i in range(limit)]


def average_seeds(rows: Iterable[FigureRow], value: str = "value", seed: str = "seed") -> list[FigureRow]:
    """Merge rows that differ only in their seed into one: mean, lowest, highest and the number of seeds.

    A point that some seed of a curve lacks (a run that stopped earlier) is left out, so that a curve never jumps
    because a seed ends; where no point has every seed, all stay.

    Args:
        rows: Each with `value`, `seed`, and `step` or not; everything else names the curve, but `tokens`, which differ
            a little from seed to seed and are averaged too.
        value: Key of the number.
        seed: Key of the seed.

    Returns:
        In the order of first appearance; `mean`, `low`, `high`, `seeds` in place of `value` and `seed`.
    """
    points: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    tokens: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    seeds: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
    heads: dict[tuple[Any, ...], FigureRow] = {}
    for row in rows:
        head = {key: item for key, item in row.items() if key not in (value, seed)}
        point = tuple(item for key, item in head.items() if key != "tokens")
        heads.setdefault(point, head)
        points[point].append(row[value])
        if "tokens" in head:
            tokens[point].append(head["tokens"])
        seeds[_curve(head)].add(row[seed])
    full = [point for point in points if len(points[point]) == len(seeds[_curve(heads[point])])]
    averaged = {point: {"tokens": round(sum(found) / len(found))} for point, found in tokens.items()}
    return [heads[point] | averaged.get(point, {}) | _summary(points[point]) for point in full or points]


def _curve(head: FigureRow) -> tuple[Any, ...]:
    return tuple(item for key, item in head.items() if key not in ("step", "tokens"))


def _summary(values: list[float]) -> FigureRow:
    return {"mean": sum(values) / len(values), "low": min(values), "high": max(values), "seeds": len(values)}


def round_numbers(rows: Iterable[FigureRow], digits: int = 6) -> list[FigureRow]:
    """Round the floats in rows to `digits` significant digits, for a page or a CSV file.

    Example:
        >>> round_numbers([{"x": 1.23456789, "n": 3, "name": "a"}])
        [{'x': 1.23457, 'n': 3, 'name': 'a'}]
    """
    return [{k: float(f"{v:.{digits}g}") if isinstance(v, float) else v for k, v in row.items()} for row in rows]
