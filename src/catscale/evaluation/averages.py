"""Averages of the scores over all directions and over resource groups."""

from collections.abc import Iterable, Mapping
from typing import Any

from catscale.evaluation.config import ResourceGroup
from catscale.evaluation.metrics.table import METRICS, in_order, read_score

Average = dict[str, float]
ZERO_SHOT = "zero_shot"


def average_scores(
    scores: Mapping[str, Mapping[str, Any]], groups: Mapping[str, ResourceGroup]
) -> dict[str, Average | None]:
    """Average every metric that all directions have, each direction counted once.

    Args:
        scores: The scores by direction: `{"nll": float, "bleu": {"score": float}, "chrf": {"score": float}, …}`.
        groups: Resource group by direction; a direction without one was never trained.

    Returns:
        `{"all": {"nll", "bleu", …}, "low": …, "mid": …, "high": …}`; None for a group without directions.
        Directions without group count in "zero_shot" alone, which is there if they are.
    """
    averages = {"all": _average(entry for name, entry in scores.items() if name in groups)}
    for group in ("low", "mid", "high"):
        averages[group] = _average(entry for name, entry in scores.items() if groups.get(name) == group)
    if zero_shot := _average(entry for name, entry in scores.items() if name not in groups):
        averages[ZERO_SHOT] = zero_shot
    return averages


def _average(entries: Iterable[Mapping[str, Any]]) -> Average | None:
    rows = list(entries)
    if not rows:
        return None
    values = {name: [read_score(entry, name) for entry in rows] for name in in_order(METRICS)}
    known = {name: [value for value in found if value is not None] for name, found in values.items()}
    return {name: sum(found) / len(rows) for name, found in known.items() if len(found) == len(rows)}
