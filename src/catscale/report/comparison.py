"""Several evaluated runs side by side, as plain numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METRICS = {"bleu": "BLEU", "chrf": "chrF", "nll": "NLL"}
GROUPS = {"all": "all", "low": "low-resource", "mid": "mid-resource", "high": "high-resource"}
NOT_SCORES = ("averages", "evaluation")


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: A direction, or the name of a group of them.
        pairs: Train pairs of the direction; None for an average.
        values: The metric a run, in the order of the runs; None where it is missing.
    """

    name: str
    pairs: int | None
    values: list[float | None]


def compare_scores(scores: Mapping[str, Mapping[str, Any]], metric: str) -> tuple[list[Row], list[Row]]:
    """Directions, from the smallest to the largest, and averages.

    Args:
        scores: Content of `scores.json` a run.
        metric: "bleu", "chrf" or "nll".

    Returns:
        A row a direction, and a row a group that is not empty.
    """
    first = next(iter(scores.values()))
    sizes: dict[str, int] = first["evaluation"]["train_pairs"]
    directions = sorted((name for name in first if name not in NOT_SCORES), key=lambda name: sizes[name])
    rows = [Row(name, sizes[name], [_value(run.get(name), metric) for run in scores.values()]) for name in directions]
    groups = [
        Row(title, None, [_value(run["averages"].get(group), metric) for run in scores.values()])
        for group, title in GROUPS.items()
    ]
    return rows, [row for row in groups if any(value is not None for value in row.values)]


def _value(entry: Mapping[str, Any] | None, metric: str) -> float | None:
    found = None if entry is None else entry.get(metric)
    return found["score"] if isinstance(found, Mapping) else found


def best_of(values: Sequence[float | None], metric: str) -> int | None:
    """Which run is best on a row; None if there is nothing to choose between."""
    known = [(value, index) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return None
    return (min(known) if metric == "nll" else max(known, key=lambda pair: (pair[0], -pair[1])))[1]
