"""What came out: low- against high-resource averages, and differences by direction."""

from collections.abc import Iterator
from typing import Any

from catscale.comparison.result import METRICS, Row
from catscale.report.figures.figure import Choice, Figure, Missing, Source
from catscale.report.figures.layout import HOVER, Spec, quantity, single, tooltips
from catscale.report.figures.theme import color_by_method

UNITS = {"bleu": "BLEU", "chrf": "chrF", "nll": "NLL (nats per token, lower is better)", "ter": "TER (lower is better)"}


def _choose_metric(rows: list[dict[str, Any]]) -> Choice:
    present = [metric for metric in METRICS if any(row["metric"] == METRICS[metric] for row in rows)]
    return Choice("metric", "Metric", {UNITS[metric]: [METRICS[metric]] for metric in present})


def pareto(source: Source) -> Figure | Missing:
    """Low-resource against high-resource average; the temperatures are the curve to beat."""
    title = "Low- against high-resource languages"
    rows = list(_pareto_rows(source))
    if not rows:
        reason = (
            "the directions do not fall into low- and high-resource groups; set evaluation.low_below and high_above"
        )
        return Missing("outcome", title, reason)
    caption = (
        "Averages over the high-resource (across) and the low-resource directions (up). The dashed line joins plain "
        "temperature sampling from the smallest T to the largest: a method beyond it trades better than any "
        "temperature. Bars: 95% bootstrap intervals over sentences. Top right is best; for NLL, bottom left."
    )
    first = next(metric for metric in METRICS if any(row["metric"] == METRICS[metric] for row in rows))
    ends = [
        f"{row['method']} {row['high']:.2f} high, {row['low']:.2f} low"
        for row in rows
        if row["metric"] == METRICS[first]
    ]
    alt = f"Points of {METRICS[first]} averages over high- and low-resource directions: {'; '.join(ends)}."
    return Figure("pareto", "outcome", title, caption, alt, _pareto_spec(source, rows), rows, _choose_metric(rows))


def _pareto_rows(source: Source) -> Iterator[dict[str, Any]]:
    for metric in METRICS:
        for method in source.comparison.methods:
            low = source.comparison.row(metric, "low", method.name)
            high = source.comparison.row(metric, "high", method.name)
            if low and high:
                yield {
                    "method": method.name, "metric": METRICS[metric], "temperature": method.temperature,
                    "curve": method.name if method.temperature is None else "temperatures",
                    "high": high.mean, "high_from": high.interval[0], "high_to": high.interval[1],
                    "low": low.mean, "low_from": low.interval[0], "low_to": low.interval[1],
                }  # fmt: skip


def _pareto_spec(source: Source, rows: list[dict[str, Any]]) -> Spec:
    color = color_by_method(source.methods, rows)
    x, y = quantity("high", "high-resource average"), quantity("low", "low-resource average")
    x_from, y_from = quantity("high_from", "high-resource average"), quantity("low_from", "low-resource average")
    tip = tooltips({"method": "method", "metric": "metric", "high": ("high", ".2f"), "low": ("low", ".2f")})
    curve = {
        "mark": {"type": "line", "color": "var(--soft-ink)", "strokeWidth": 1.5, "strokeDash": [5, 3]},
        "encoding": {
            "x": x,
            "y": y,
            "order": {"field": "temperature", "type": "quantitative"},
            "detail": {"field": "curve"},
        },
    }
    bars = [
        {"mark": "rule", "encoding": {"x": x_from, "x2": {"field": "high_to"}, "y": y, "color": color}},
        {"mark": "rule", "encoding": {"x": x, "y": y_from, "y2": {"field": "low_to"}, "color": color}},
    ]
    dots = {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": color, "tooltip": tip}}  # fmt: skip
    beside = {"align": "left", "dx": 8, "dy": {"expr": "datum.temperature ? 12 : -10"}}  # off the curve, mostly
    names = {
        "mark": {"type": "text", "fontWeight": 600, "limit": 160, **beside},
        "encoding": {"x": x, "y": y, "color": color, "text": {"field": "method"}},
    }
    return single({"height": 340, "layer": [curve, *bars, dots, names]})


def differences(source: Source) -> Figure | Missing:
    """Difference to the baseline by direction, with its interval."""
    title = f"Difference to {source.comparison.baseline} by direction"
    rows = [_difference_row(row) for row in source.comparison.rows if row.difference and row.over in source.directions]
    if not rows:
        return Missing("outcome", title, "there is nothing to compare the baseline with; give runs of a second method")
    known = source.comparison.knows_seeds
    over = "sentences and seeds together" if known else "sentences; what other seeds would change is no part of them"
    caption = (
        "Each method less the baseline, smallest direction on top; filled dots differ significantly after the "
        f"correction for all comparisons, bars are 95% intervals over {over}. Right of 0 is better for BLEU and chrF, "
        "left of 0 for NLL."
    )
    first = next(iter(_choose_metric(rows).options.values()))[0]
    ends = []
    for method in source.methods:
        mine = [row for row in rows if (row["metric"], row["method"]) == (first, method)]
        clear = [row for row in mine if row["significant"]]
        if mine:
            up = sum(row["mean"] > 0 for row in clear)
            ends.append(f"{method}: {up} significantly above, {len(clear) - up} below, of {len(mine)}")
    alt = f"{first} differences to {source.comparison.baseline} by direction. {'; '.join(ends)}."
    return Figure(
        "differences", "outcome", title, caption, alt, _difference_spec(source, rows), rows, _choose_metric(rows)
    )


def _difference_row(row: Row) -> dict[str, Any]:
    found = row.difference
    assert found is not None
    return {
        "method": row.method, "metric": METRICS[row.metric], "direction": row.over, "mean": found.mean,
        "from": found.widest[0], "to": found.widest[1], "seed_std": found.seed_std, "p": found.p_corrected,
        "significant": found.significant,
    }  # fmt: skip


def _difference_spec(source: Source, rows: list[dict[str, Any]]) -> Spec:
    color = color_by_method(source.methods, rows)
    names = color["scale"]["domain"]
    y = {"field": "direction", "type": "nominal", "sort": list(source.directions), "title": None,
         "axis": {"grid": True}}  # fmt: skip
    offset = {"yOffset": {"field": "method", "type": "nominal", "sort": names}}
    x, x_from = quantity("mean", "difference"), quantity("from", "difference")
    tip = tooltips({"method": "method", "direction": "direction", "mean": ("difference", "+.2f"),
                    "from": ("from", "+.2f"), "to": ("to", "+.2f"), "spread": "over seeds",
                    "p": ("p, corrected", ".3f")})  # fmt: skip
    zero = {"mark": {"type": "rule", "color": "var(--soft-ink)"}, "encoding": {"x": {"datum": 0}}}
    bars = {"mark": "rule", "encoding": {"x": x_from, "x2": {"field": "to"}, "y": y, "color": color, **offset}}
    opacity = {"condition": {"test": "datum.significant", "value": 1}, "value": 0}
    dots = {"mark": {"type": "point", "size": 34, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": color, "fillOpacity": opacity, "fill": color, **offset}}  # fmt: skip
    spread = "datum.seed_std === null ? 'not known' : '±' + format(datum.seed_std, '.2f')"
    hover = {"name": HOVER, "mark": {"type": "point", "filled": True, "size": 150, "opacity": 0},
             "transform": [{"calculate": spread, "as": "spread"}],
             "encoding": {"x": x, "y": y, "color": color, "tooltip": tip, **offset}}  # fmt: skip
    return single({"height": {"step": 9}, "layer": [zero, bars, dots, hover]}, room=76)
