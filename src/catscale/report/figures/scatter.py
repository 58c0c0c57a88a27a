"""The parts of a plot in which methods are points: intervals, single runs, means, and the methods' names beside them.

A row with `seed` null is a method's mean, with its interval and the place of its name; another is a single run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from catscale.report.figures.figure import Source
from catscale.report.figures.labels import NamePlace
from catscale.report.figures.layout import Spec, lay_out_plot, make_quantity, make_tooltips
from catscale.report.figures.theme import color_by_method

BESIDE = tuple(field.name for field in fields(NamePlace))
"""Names of the fields that place a method's name."""


@dataclass(frozen=True)
class Side:
    """One of the two quantities.

    Attributes:
        field: Name of its field in the rows; `FIELD_from` and `FIELD_to` are the ends of its interval.
        title: Title of its axis.
        shown: Its name and number format at the pointer.
    """

    field: str
    title: str
    shown: tuple[str, str]

    @property
    def ends(self) -> tuple[str, str]:
        """Names of the fields of its interval."""
        return f"{self.field}_from", f"{self.field}_to"

    def mean(self, value: float, interval: tuple[float, float]) -> dict[str, float]:
        """Return the fields of a mean."""
        return {self.field: value, self.ends[0]: interval[0], self.ends[1]: interval[1]}


def run_fields(x: Side, y: Side, at: tuple[float, float]) -> dict[str, float | None]:
    """Return the fields of a single run, which has neither interval nor name.

    Args:
        x: The quantity across.
        y: The quantity up.
        at: The values of both.
    """
    return {x.field: at[0], y.field: at[1], **dict.fromkeys((*x.ends, *y.ends, *BESIDE))}


def lay_out_scatter(source: Source, rows: Sequence[dict[str, Any]], x: Side, y: Side, first: Sequence[Spec]) -> Spec:
    """Lay out the plot.

    Args:
        source: The comparison, whose methods have their colours.
        rows: The data, by which it is decided whether there are single runs.
        x: The quantity across.
        y: The quantity up.
        first: Layers below the points.
    """
    color = color_by_method(source.methods, rows, legend=False)  # names stand beside the points
    at = {"x": make_quantity(x.field, x.title), "y": make_quantity(y.field, y.title), "color": color}
    shown = {side.field: side.shown for side in (x, y)}
    tip = make_tooltips({"method": "method", "metric": "metric", **shown})
    means: Spec = {"transform": [{"filter": "datum.seed === null"}]}
    bars = [
        {**means, "mark": "rule", "encoding": {**at, name: make_quantity(low, side.title), f"{name}2": {"field": high}}}
        for name, side in (("x", x), ("y", y))
        for low, high in [side.ends]
    ]
    dots = {**means, "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {**at, "tooltip": tip}}  # fmt: skip
    runs = {"transform": [{"filter": "datum.seed !== null"}],
            "mark": {"type": "point", "filled": True, "size": 26, "opacity": 0.6},
            "encoding": {**at, "tooltip": [*tip, *make_tooltips({"seed": "seed"})]}}  # fmt: skip
    beside = {name: {"expr": f"datum.{name}"} for name in BESIDE}
    names = {
        **means,
        "mark": {"type": "text", "fontWeight": 600, "limit": 160, "baseline": "middle", **beside},
        "encoding": {**at, "text": {"field": "method"}},
    }
    single = [runs] if any(row["seed"] is not None for row in rows) else []
    return lay_out_plot({"height": 340, "layer": [*first, *bars, *single, dots, names]}, room=72)
