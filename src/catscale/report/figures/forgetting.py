"""The figure of what new languages gain against what old ones lose."""

from collections.abc import Iterator
from typing import Any

from catscale.comparison.result import ComparedMethod, Difference, Forgetting, Row
from catscale.evaluation.metrics.table import METRICS, lower_is_better, name_all
from catscale.report.figures.figure import Choice, Figure, Missing, Source
from catscale.report.figures.labels import place_labels
from catscale.report.figures.layout import Spec
from catscale.report.figures.scatter import Side, lay_out_scatter, run_fields

TITLE = "New against old languages"
ACROSS = Side("change", "change of the average over old directions", ("old", "+.2f"))
UP = Side("new", "average over new directions", ("new", ".2f"))
ZERO: Spec = {"mark": {"type": "rule", "color": "var(--soft-ink)"}, "encoding": {"x": {"datum": 0}}}
"""The line where nothing is forgotten."""


def draw_new_against_old(source: Source) -> Figure | Missing | None:
    """Draw the average over new directions against the change on old ones; None where no run adds languages."""
    found = source.comparison.forgetting
    if found is None or not (found.old and found.new):
        return None
    if found.reason:
        return Missing("outcome", TITLE, found.reason)
    rows = list(_make_rows(source, found))
    order = sorted(METRICS, key=lambda metric: metric != source.comparison.metric)
    labels = [METRICS[name].label for name in order if any(row["metric"] == METRICS[name].label for row in rows)]
    if not labels:
        return None
    ends = [
        f"{row['method']} {row['new']:.2f} new, {row['change']:+.2f} old"
        for row in rows
        if row["metric"] == labels[0] and row["seed"] is None
    ]
    alt = f"{labels[0]} over new directions against the change on old ones since before training: {'; '.join(ends)}."
    choice = Choice("metric", "Metric", {label: [label] for label in labels})
    spec = lay_out_scatter(source, rows, ACROSS, UP, [ZERO])
    return Figure("new-against-old", "outcome", TITLE, _say(found, rows), alt, spec, rows, choice)


def _say(found: Forgetting, rows: list[dict[str, Any]]) -> str:
    """Say what is drawn, and no more."""
    seeds = " Small dots: single runs." if any(row["seed"] is not None for row in rows) else " One run each."
    measured = {row.metric for row in found.rows}
    lower = lower_is_better(name for name in METRICS if name in measured)
    return (
        f"The average over {len(found.new)} directions of new languages (up) against what the average over "
        f"{len(found.old)} old directions has changed by since before training (across); left of the vertical line "
        f"something is forgotten{f' (of {name_all(lower)} right of it)' if lower else ''}.{seeds} Bars: 95% intervals "
        f"over test sentences alone. Top right is best{f'; for {name_all(lower)}, bottom left' if lower else ''}."
    )


def _pair_up(source: Source, found: Forgetting, metric: str) -> list[tuple[ComparedMethod, Row, Difference, Row]]:
    """Return each compared method with its old average, its change, and its new average."""
    pairs = []
    for method in source.comparison.methods:
        old, new = found.row(metric, "old", method.name), found.row(metric, "new", method.name)
        if old is not None and new is not None and old.difference is not None:
            pairs.append((method, old, old.difference, new))
    return pairs


def _make_rows(source: Source, found: Forgetting) -> Iterator[dict[str, Any]]:
    """Yield a row per method, with the place of its name, and a row per run where there are several."""
    for metric in METRICS:
        pairs = _pair_up(source, found, metric)
        names = [method.name for method, *_ in pairs]
        corners = [corner for _, _, change, new in pairs for corner in zip(change.interval, new.interval, strict=True)]
        places = place_labels([(change.mean, new.mean) for _, _, change, new in pairs], names, ends=corners)
        several = any(len(method.seeds) > 1 for method, *_ in pairs)
        for (method, old, change, new), place in zip(pairs, places, strict=True):
            head = {"method": method.name, "metric": METRICS[metric].label}
            ends = ACROSS.mean(change.mean, change.interval) | UP.mean(new.mean, new.interval)
            yield {**head, "seed": None, **ends, **vars(place)}
            before = old.mean - change.mean
            for seed, x, y in zip(method.seeds, old.values, new.values, strict=True) if several else ():
                yield {**head, "seed": seed, **run_fields(ACROSS, UP, (x - before, y))}
