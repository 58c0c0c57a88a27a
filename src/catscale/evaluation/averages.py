"""Averages of the scores over all directions and over resource groups."""

from collections.abc import Iterable, Mapping
from typing import Any

from catscale.evaluation.config import Group

Average = dict[str, float]
ZERO_SHOT = "zero_shot"
SCORED = ("bleu", "chrf", "ter")
"""Metrics of translations; the last one where it was asked for."""


def average_scores(scores: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Group]) -> dict[str, Average | None]:
    """Average NLL, BLEU, chrF and, where every direction has it, TER, each direction counted once.

    Args:
        scores: By direction: `{"nll": float, "bleu": {"score": float}, "chrf": {"score": float}, …}`.
        groups: Resource group by direction; a direction without one was never trained.

    Returns:
        `{"all": {"nll", "bleu", "chrf"}, "low": …, "mid": …, "high": …}`; None for a group without directions.
        Directions without group count in "zero_shot" alone, which is there if they are.
    """
    averages = {"all": _average(entry for name, entry in scores.items() if name in groups)}
    for group in ("low", "mid", "high"):
        averages[group] = _average(entry for name, entry in scores.items() if groups.get(name) == group)
    if zero_shot := _average(entry for name, entry in scores.items() if name not in groups):
        averages[ZERO_SHOT] = zero_shot
    return averages


def _average(entries: Iterable[Mapping[str, Any]]) -> Average | None:
    rows = [
        {"nll": entry["nll"], **{name: entry[name]["score"] for name in SCORED if name in entry}} for entry in entries
    ]
    if not rows:
        return None
    common = [name for name in rows[0] if all(name in row for row in rows)]
    return {name: sum(row[name] for row in rows) / len(rows) for name in common}
