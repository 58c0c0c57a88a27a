"""The figure of what new languages gain against what old ones lose."""

from collections.abc import Iterator
from typing import Any

from catscale.comparison.result import ComparedMethod, Difference, Forgetting, Row
from catscale.evaluation.metrics.table import METRICS, lower_is_better, name_all
from catscale.report.figures.figure import Choice, Figure, Missing, Source
from catscale.report.figures.labels import place_labels
from catscale.report.figures.layout import Spec, lay_out_plot, make_quantity, make_tooltips
from catscale.report.figures.theme import color_by_method

TITLE = "New against old languages"
ACROSS, UP = "change of the average over old directions", "average over new directions"
ENDS = ("change_from", "change_to", "new_from", "new_to", "align", "dx", "dy")
"""Fields that a single run has not."""


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
    return Figure("new-against-old", "outcome", TITLE, _say(found, rows), alt, _make_spec(source, rows), rows, choice)


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
        places = place_labels([(change.mean, new.mean) for _, _, change, new in pairs], names)
        several = any(len(method.seeds) > 1 for method, *_ in pairs)
        for (method, old, change, new), place in zip(pairs, places, strict=True):
            head = {"method": method.name, "metric": METRICS[metric].label}
            yield {
                **head, "seed": None,
                "change": change.mean, "change_from": change.interval[0], "change_to": change.interval[1],
                "new": new.mean, "new_from": new.interval[0], "new_to": new.interval[1], **vars(place),
            }  # fmt: skip
            before = old.mean - change.mean
            for seed, x, y in zip(method.seeds, old.values, new.values, strict=True) if several else ():
                yield {**head, "seed": seed, "change": x - before, "new": y, **dict.fromkeys(ENDS)}


def _make_spec(source: Source, rows: list[dict[str, Any]]) -> Spec:
    color = color_by_method(source.methods, rows, legend=False)  # names stand beside the points
    x, y = make_quantity("change", ACROSS), make_quantity("new", UP)
    x_from, y_from = make_quantity("change_from", ACROSS), make_quantity("new_from", UP)
    tip = make_tooltips({"method": "method", "metric": "metric", "change": ("old", "+.2f"), "new": ("new", ".2f")})
    means: Spec = {"transform": [{"filter": "datum.seed === null"}]}
    zero = {"mark": {"type": "rule", "color": "var(--soft-ink)"}, "encoding": {"x": {"datum": 0}}}
    bars = [
        {**means, "mark": "rule", "encoding": {"x": x_from, "x2": {"field": "change_to"}, "y": y, "color": color}},
        {**means, "mark": "rule", "encoding": {"x": x, "y": y_from, "y2": {"field": "new_to"}, "color": color}},
    ]
    dots = {**means, "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": color, "tooltip": tip}}  # fmt: skip
    runs = {"transform": [{"filter": "datum.seed !== null"}],
            "mark": {"type": "point", "filled": True, "size": 26, "opacity": 0.6},
            "encoding": {"x": x, "y": y, "color": color,
                         "tooltip": [*tip, *make_tooltips({"seed": "seed"})]}}  # fmt: skip
    beside = {name: {"expr": f"datum.{name}"} for name in ("align", "dx", "dy")}
    names = {
        **means,
        "mark": {"type": "text", "fontWeight": 600, "limit": 160, "baseline": "middle", **beside},
        "encoding": {"x": x, "y": y, "color": color, "text": {"field": "method"}},
    }
    single = [runs] if any(row["seed"] is not None for row in rows) else []
    return lay_out_plot({"height": 340, "layer": [zero, *bars, *single, dots, names]}, room=72)
