"""The spread of the alignment of gradients over pairs, by module (the paper's Figure 4a)."""

from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean, pstdev
from typing import Any

from catscale.report.figures.curvature import missing_analysis
from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.figures.layout import Spec, lay_out_multiples, make_tooltips
from catscale.report.figures.similarity import DIRECTION, LEGEND, MODULES, pair_rows
from catscale.report.figures.theme import color_by_method
from catscale.report.series import thin

TICKS = 60  # pairs drawn one by one


def draw_similarity_spread(source: Source) -> Figure | Missing:
    """Draw the spread over pairs of the alignment of high- with low-resource gradients, by module."""
    title = "Spread of alignment between high- and low-resource directions"
    rows = [row for method in source.methods for row in _spread_rows(source, method)]
    if not rows:
        return missing_analysis(source, title, "similarities of high- and low-resource gradients")
    caption = (
        "Cosine of the gradients of a low- and a high-resource direction at the newest analysis: a tick a pair (above "
        f"{TICKS}, so many evenly spread ones), the dot the mean of all, the bar one standard deviation each way. "
        f"{LEGEND} Mirrors the paper's Figure 4a, where layer normalisation varies most."
    )
    order = list(dict.fromkeys(row["method"] for row in rows))
    figure = lay_out_multiples(
        "method", order, _strip(source, rows), columns=2, minimum=340, independent=(), room=(70, 62)
    )
    ends = {
        (row["method"], row["module"]): f"{row['average']:.2f} (standard deviation {row['average'] - row['from']:.2f})"
        for row in rows
    }
    texts = ", ".join(f"{method} {module} {end}" for (method, module), end in ends.items())
    alt = f"Cosines of low- with high-resource gradients by module, on average: {texts}."
    return Figure("similarity-spread", "landscape", title, caption, alt, figure, rows)


def _spread_rows(source: Source, method: str) -> Iterator[dict[str, Any]]:
    """Yield pairs of a low- with a high-resource direction, ascending by cosine, with mean and deviation of all of
    them."""
    group = {name: direction.group for name, direction in source.directions.items()}
    pairs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in pair_rows(source, DIRECTION, method):
        if (group.get(row["one"]), group.get(row["other"])) == ("low", "high"):
            pairs[row["module"]].append(row)
    for found in pairs.values():
        values = [row["mean"] for row in found]
        average, deviation = fmean(values), pstdev(values)
        ends = {"average": average, "from": average - deviation, "to": average + deviation}
        yield from (row | ends for row in thin(sorted(found, key=lambda row: float(row["mean"])), TICKS))


def _strip(source: Source, rows: list[dict[str, Any]]) -> Spec:
    color = color_by_method(source.methods, rows, legend=False)
    x = {"field": "module", "type": "nominal", "sort": list(MODULES), "title": None, "axis": {"labelAngle": 0}}
    y = {"field": "mean", "type": "quantitative", "title": "cosine"}
    tip = make_tooltips(
        {"method": "method", "module": "module", "one": "low", "other": "high", "mean": ("cosine", ".3f")}
    )
    return {
        "height": 150,
        "encoding": {"x": x},
        "layer": [
            {"mark": {"type": "rule", "color": "var(--soft-ink)"}, "encoding": {"y": {"datum": 0}}},
            {"mark": {"type": "tick", "opacity": 0.55, "width": 14},
             "encoding": {"y": y, "color": color, "tooltip": tip}},
            {"mark": {"type": "rule", "strokeWidth": 2, "color": "var(--ink)"},
             "encoding": {"y": y | {"field": "from", "aggregate": "min"}, "y2": {"field": "to", "aggregate": "max"}}},
            {"mark": {"type": "point", "filled": True, "color": "var(--ink)", "size": 36},
             "encoding": {"y": y | {"field": "average", "aggregate": "mean"}}},
        ],
    }  # fmt: skip
