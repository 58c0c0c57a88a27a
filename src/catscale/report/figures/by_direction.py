"""Curves over the steps, a small plot for each direction."""

from typing import Any

from catscale.report.figures.figure import Figure, Source, choose_directions, label_direction
from catscale.report.figures.layout import lay_out_multiples, make_curve_layers, make_steps_axis, make_tooltips
from catscale.report.figures.theme import color_by_method


def draw_by_direction(
    source: Source, name: str, title: str, caption: str, rows: list[dict[str, Any]], what: str, unit: str
) -> Figure:
    """Draw curves of the methods, a plot for each direction.

    Args:
        source: The runs.
        name: The name of the figure.
        title, caption: The words of the figure.
        rows: The points, averaged over seeds, with `method`, `direction`, `label` and `step`.
        what: The quantity, for tooltips; its first word names the axis.
        unit: The end of the first sentence of the alternative text, after "Curves by direction".
    """
    tooltip = make_tooltips({"method": "method", "label": "direction", "step": ("step", ","), "mean": (what, ".3f")})
    seeds = max(row["seeds"] for row in rows)
    spec = {
        "height": 90,
        "encoding": {"x": make_steps_axis()},
        "layer": make_curve_layers(color_by_method(source.methods, rows), tooltip, None, seeds, what.partition(" ")[0]),
    }
    order = [label_direction(direction) for direction in source.comparison.directions]
    figure = lay_out_multiples("label", order, spec, independent=())
    alt = f"Curves by direction{unit}. {_describe(source, rows)}."
    return Figure(name, "balancing", title, caption, alt, figure, rows, choose_directions(source))


def _describe(source: Source, rows: list[dict[str, Any]]) -> str:
    """Say the lowest and the highest end of each method's curves."""
    parts = []
    for method in source.methods:
        mine = [row for row in rows if row["method"] == method]
        if mine:
            last = max(row["step"] for row in mine)
            ends = sorted((row["mean"], row["direction"]) for row in mine if row["step"] == last)
            low, high = ends[0], ends[-1]
            parts.append(f"{method}: from {low[0]:.2f} ({low[1]}) to {high[0]:.2f} ({high[1]}) at step {last:,}")
    return "; ".join(parts)
