"""The figures of the outcome: low- against high-resource averages, and differences by direction."""

from collections.abc import Iterator
from typing import Any

from catscale.comparison.result import Row
from catscale.evaluation.metrics.table import METRICS, lower_is_better, name_all
from catscale.report.figures.figure import Choice, Figure, Missing, Source
from catscale.report.figures.labels import place_labels
from catscale.report.figures.layout import HOVER, Spec, lay_out_plot, make_quantity, make_tooltips
from catscale.report.figures.scatter import Side, lay_out_scatter, run_fields
from catscale.report.figures.theme import color_by_method

LEAST = 3
"""Temperatures that a curve joins."""
HIGH = Side("high", "high-resource average", ("high", ".2f"))
LOW = Side("low", "low-resource average", ("low", ".2f"))


def _choose_metric(source: Source, rows: list[dict[str, Any]]) -> Choice:
    """Return the metrics that were measured, that of the verdict first."""
    order = sorted(METRICS, key=lambda metric: metric != source.comparison.metric)
    present = [metric for metric in order if any(row["metric"] == METRICS[metric].label for row in rows)]
    return Choice("metric", "Metric", {_describe(metric): [METRICS[metric].label] for metric in present})


def _describe(metric: str) -> str:
    """Name a metric with its unit, and say where less is better."""
    told = [METRICS[metric].unit, "" if METRICS[metric].higher_is_better else "lower is better"]
    about = ", ".join(filter(None, told))
    return f"{METRICS[metric].label} ({about})" if about else METRICS[metric].label


def _lower(source: Source) -> str:
    """Name the measured metrics of which less is better, as in "NLL and TER"; nothing where there is none."""
    measured = {row.metric for row in source.comparison.rows}
    labels = lower_is_better(name for name in METRICS if name in measured)
    return name_all(labels) if labels else ""


def draw_pareto(source: Source) -> Figure | Missing:
    """Draw the low-resource against the high-resource average, with the temperatures that were run."""
    title = "Low- against high-resource languages"
    rows = list(_pareto_rows(source))
    if not rows:
        reason = (
            "the directions do not fall into low- and high-resource groups; set evaluation.low_below and high_above"
        )
        return Missing("outcome", title, reason)
    choice = _choose_metric(source, rows)
    (first,) = next(iter(choice.options.values()))
    ends = [
        f"{row['method']} {row['high']:.2f} high, {row['low']:.2f} low"
        for row in rows
        if row["metric"] == first and row["seed"] is None
    ]
    alt = f"Points of {first} averages over high- and low-resource directions: {'; '.join(ends)}."
    return Figure("pareto", "outcome", title, _say_pareto(source, rows), alt, _pareto_spec(source, rows), rows, choice)


def _temperatures(source: Source) -> list[str]:
    return [method.name for method in source.comparison.methods if method.temperature is not None]


def _say_pareto(source: Source, rows: list[dict[str, Any]]) -> str:
    """Say what is drawn, and no more."""
    temperatures, joined = _temperatures(source), ""
    if len(temperatures) >= LEAST:
        joined = (
            f" The dashed line joins the {len(temperatures)} plain temperatures that were run, in their order; between "
            "them and beyond them nothing was measured, and another temperature may lie on either side of it."
        )
    elif temperatures:
        joined = f" {' and '.join(temperatures)}: the plain temperatures that were run; others were not measured."
    seeds = " Small dots: single seeds." if any(row["seed"] is not None for row in rows) else " One seed each."
    return (
        f"Averages over the high-resource (across) and the low-resource directions (up).{joined} Bars: 95% intervals "
        f"over test sentences alone, which say nothing of other seeds.{seeds} Top right is best"
        f"{f'; for {lower}, bottom left' if (lower := _lower(source)) else ''}."
    )


def _pareto_rows(source: Source) -> Iterator[dict[str, Any]]:
    """Yield a row per method, with the place of its name, and a row per seed where there are several."""
    for metric in METRICS:
        found = []
        for method in source.comparison.methods:
            low = source.comparison.row(metric, "low", method.name)
            high = source.comparison.row(metric, "high", method.name)
            if low and high:
                found.append((method, low, high))
        curve = [place for place, (method, _, _) in enumerate(found) if method.temperature is not None]
        places = place_labels(
            [(high.mean, low.mean) for _, low, high in found],
            [method.name for method, _, _ in found],
            curve if len(curve) >= LEAST else [],
            [end for _, low, high in found for end in zip(high.interval, low.interval, strict=True)],
        )
        several = any(len(method.seeds) > 1 for method, _, _ in found)
        for (method, low, high), place in zip(found, places, strict=True):
            head = {"method": method.name, "metric": METRICS[metric].label, "temperature": method.temperature}
            ends = HIGH.mean(high.mean, high.interval) | LOW.mean(low.mean, low.interval)
            named = method.name if method.temperature is None else "temperatures"
            yield {**head, "seed": None, "curve": named, **ends, **vars(place)}
            for seed, x, y in zip(method.seeds, high.values, low.values, strict=True) if several else ():
                yield {**head, "seed": seed, "curve": f"{method.name}, seed {seed}", **run_fields(HIGH, LOW, (x, y))}


def _pareto_spec(source: Source, rows: list[dict[str, Any]]) -> Spec:
    curve: Spec = {
        "mark": {"type": "line", "color": "var(--soft-ink)", "strokeWidth": 1.5, "strokeDash": [5, 3]},
        "encoding": {
            "x": make_quantity(HIGH.field, HIGH.title),
            "y": make_quantity(LOW.field, LOW.title),
            "order": {"field": "temperature", "type": "quantitative"},
            "detail": {"field": "curve"},  # all but the temperatures are lines of one point
        },
    }
    drawn = [curve] if len(_temperatures(source)) >= LEAST else []
    return lay_out_scatter(source, rows, HIGH, LOW, drawn)


def draw_differences(source: Source) -> Figure | Missing:
    """Draw the difference to the baseline by direction, with its interval."""
    title = f"Difference to {source.comparison.baseline} by direction"
    rows = [_difference_row(row) for row in source.comparison.rows if row.difference and row.over in source.directions]
    if not rows:
        return Missing("outcome", title, "there is nothing to compare the baseline with; give runs of a second method")
    known = source.comparison.knows_seeds
    filled = "Filled dots differ significantly after the correction for all comparisons; bars"
    over = "sentences and seeds together (over sentences alone where a method has one seed)"
    if not known:
        filled, over = "No dot is filled, for one seed decides nothing; bars", "test sentences alone"
    caption = (
        f"Each method less the baseline, smallest direction on top. {filled} are 95% intervals over {over}. Right of 0 "
        f"is better{f', left of 0 for {lower}' if (lower := _lower(source)) else ''}."
    )
    first = next(iter(_choose_metric(source, rows).options.values()))[0]
    ends = []
    for method in source.methods:
        mine = [row for row in rows if (row["metric"], row["method"]) == (first, method)]
        clear = [row for row in mine if row["significant"]]
        if mine:
            up = sum(row["mean"] > 0 for row in clear)
            ends.append(f"{method}: {up} significantly above, {len(clear) - up} below, of {len(mine)}")
    alt = f"{first} differences to {source.comparison.baseline} by direction. {'; '.join(ends)}."
    return Figure(
        "differences",
        "outcome",
        title,
        caption,
        alt,
        _difference_spec(source, rows),
        rows,
        _choose_metric(source, rows),
    )


def _difference_row(row: Row) -> dict[str, Any]:
    found = row.difference
    assert found is not None
    return {
        "method": row.method, "metric": METRICS[row.metric].label, "direction": row.over, "mean": found.mean,
        "from": found.widest[0], "to": found.widest[1], "seed_std": found.seed_std, "p": found.p_corrected,
        "significant": found.significant,
    }  # fmt: skip


def _difference_spec(source: Source, rows: list[dict[str, Any]]) -> Spec:
    color = color_by_method(source.methods, rows)
    names = color["scale"]["domain"]
    y = {"field": "direction", "type": "nominal", "sort": list(source.directions), "title": None,
         "axis": {"grid": True}}  # fmt: skip
    offset = {"yOffset": {"field": "method", "type": "nominal", "sort": names}}
    title = f"difference to {source.comparison.baseline}"
    x, x_from = make_quantity("mean", title), make_quantity("from", title)
    tip = make_tooltips({"method": "method", "direction": "direction", "mean": ("difference", "+.2f"),
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
    return lay_out_plot({"height": {"step": 9}, "layer": [zero, bars, dots, hover]}, room=76)
