"""Parts that figures share: small multiples that wrap, curves with bands, and how they fit a width.

The page fits figures by the same rule (`assets/report.js`), to the width of its column.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HOVER = "hover"  # layers of this name only answer the pointer; pictures go without


def lay_out_plot(spec: Spec, room: int = 56) -> Spec:
    """Return a specification of one plot, as wide as its place but for `room` pixels for the labels of its axes."""
    return {"$schema": SCHEMA, "usermeta": {"room": room}, "data": {"name": "rows"}, **spec}


def lay_out_multiples(
    field: str,
    order: Sequence[str],
    spec: Spec,
    columns: int = 4,
    minimum: int = 160,
    independent: Sequence[str] = ("y",),
    room: tuple[int, int] = (72, 78),
) -> Spec:
    """Return one plot per value of a field, wrapped into columns.

    Args:
        field: The field with a plot for each of its values, which head the plots.
        order: The order of the values.
        spec: The specification of one plot: height, layers, encoding.
        columns: The most columns.
        minimum: Pixels of a column at least, where more than one fits.
        independent: Scales of its own for each plot.
        room: Pixels beside and below a plot for the labels of its axes and the next heading.
    """
    return {
        "$schema": SCHEMA,
        "usermeta": {"columns": columns, "minimum": minimum, "field": field, "room": room[0]},
        "data": {"name": "rows"},
        "facet": {"field": field, "type": "nominal", "sort": list(order), "header": {"title": None}},
        "columns": columns,
        "bounds": "flush",  # plots and their headings stand in line, whatever their axes' labels
        "spacing": {"row": room[1], "column": room[0] - 14},
        "spec": spec,
        "resolve": {
            "scale": dict.fromkeys(independent, "independent"),
            "axis": {"x": "independent", "y": "independent"},
        },
    }


def fit_width(spec: Spec, width: int, plots: int) -> Spec:
    """Return the specification at a width in pixels.

    Args:
        spec: The specification from `lay_out_plot` or `lay_out_multiples`.
        width: Pixels.
        plots: The number of values of the multiples' field.
    """
    fitted = copy.deepcopy(spec)
    meta = fitted["usermeta"]
    if "columns" not in meta:
        return fitted | {"width": width - meta["room"]}
    columns = max(1, min(meta["columns"], plots, width // meta["minimum"]))
    fitted["columns"] = columns
    fitted["spec"]["width"] = width // columns - meta["room"]
    return fitted


def remove_hover(node: Any) -> Any:
    """Return the specification without the parts that only answer the pointer."""
    if isinstance(node, dict):
        return {key: remove_hover(item) for key, item in node.items()}
    if isinstance(node, list):
        kept = (item for item in node if not (isinstance(item, dict) and item.get("name") == HOVER))
        return [remove_hover(item) for item in kept]
    return node


def make_curve_layers(
    color: Spec, tooltip: Sequence[Spec], dash: Spec | None = None, seeds: int = 1, title: str | None = None
) -> list[Spec]:
    """Return lines through "mean", with a band from the lowest to the highest seed where there are several.

    Args:
        color: The colour channel.
        tooltip: Fields shown at the pointer.
        dash: The channel of dashes.
        seeds: Most seeds of a curve.
        title: The title of the vertical axis.
    """
    channels: Spec = {"color": color, "y": make_quantity("mean", title)} | ({"strokeDash": dash} if dash else {})
    band: Spec = {
        "mark": {"type": "area", "opacity": 0.15},
        "encoding": {"color": color, "y": make_quantity("low", title), "y2": {"field": "high"}}
        | ({"detail": {"field": dash["field"]}} if dash else {}),
    }
    line: Spec = {"mark": {"type": "line", "strokeWidth": 1.8, "strokeJoin": "round"}, "encoding": channels}
    hover: Spec = {
        "name": HOVER,
        "mark": {"type": "point", "filled": True, "opacity": 0, "size": 110},
        "encoding": {"color": color, "y": make_quantity("mean", title), "tooltip": list(tooltip)},
    }
    return [*([band] if seeds > 1 else []), line, hover]


def make_quantity(field: str, title: str | None = None, **scale: Any) -> Spec:
    """Return a quantitative channel whose axis need not begin at zero."""
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"zero": False, **scale},
        "axis": {"tickCount": 4, "format": "~g"} if "domain" in scale else {"tickCount": 4},
    }


def make_steps_axis(title: str | None = "step", field: str = "step", padding: int = 0) -> Spec:
    """Return the horizontal channel of curves over training, with `padding` pixels beside the first and the last
    point."""
    axis = {"tickCount": 4, "format": "~s", "labelOverlap": True, "grid": False}
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "axis": axis,
        "scale": {"nice": False, "padding": padding},
    }


def make_tooltips(fields: Mapping[str, tuple[str, str] | str]) -> list[Spec]:
    """Return what the pointer shows: field → title, or title and number format."""
    made = []
    for field, title in fields.items():
        name, number = (title, None) if isinstance(title, str) else title
        kind: Spec = {"type": "quantitative", "format": number} if number else {"type": "nominal"}
        made.append({"field": field, "title": name} | kind)
    return made
