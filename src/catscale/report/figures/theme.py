"""Colours and type, the same in the page and in its pictures.

A specification names colours as CSS variables: in the page the browser resolves them, light, dark or printed, without
drawing again; `resolve_colors` does it for PNG and SVG.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

# Each at least 3 : 1 against its background; apart from each other under the common colour blindnesses, after Okabe
# and Ito.
LIGHT = {
    "ink": "#1b1f24", "soft-ink": "#56606b", "line": "#d5dae0", "paper": "#ffffff", "soft": "#f3f5f7",
    "better": "#0b6b3a", "worse": "#a63a00", "shade": "#00000038",
    "series-1": "#0072b2", "series-2": "#d55e00", "series-3": "#009e73", "series-4": "#b4458c", "series-5": "#9a7400",
    "series-6": "#3a9bdc", "series-7": "#5b3fa0", "series-8": "#7a3b12", "series-9": "#6b7280", "series-10": "#111111",
}  # fmt: skip
DARK = {
    "ink": "#e6e9ec", "soft-ink": "#a8b2bc", "line": "#3a4149", "paper": "#14171a", "soft": "#1e2328",
    "better": "#6fd8a0", "worse": "#ff9d5c", "shade": "#ffffff38",
    "series-1": "#5ab4f0", "series-2": "#ff8a3d", "series-3": "#2fd0a0", "series-4": "#f08cc8", "series-5": "#ecc94b",
    "series-6": "#a3d8ff", "series-7": "#b9a3ff", "series-8": "#d9a27c", "series-9": "#a3abb5", "series-10": "#ffffff",
}  # fmt: skip
SERIES = 10
LONG = 30
"""Characters of a method's name, above which a legend has a line for each."""

CONFIG: dict[str, Any] = {
    "background": "var(--paper)",
    "font": "sans-serif",
    "aria": False,  # the page's figure carries the text; marks with roles of their own would be read one by one
    "view": {"stroke": "var(--line)"},
    "axis": {
        "labelColor": "var(--ink)", "titleColor": "var(--soft-ink)", "gridColor": "var(--line)",
        "gridOpacity": 0.6, "domainColor": "var(--line)", "tickColor": "var(--line)",
        "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "labelLimit": 160,
    },
    "axisYQuantitative": {"labelFlush": True},  # labels within their plot: headings above stand in line
    "legend": {
        "labelColor": "var(--ink)", "titleColor": "var(--soft-ink)", "labelFontSize": 12, "labelLimit": 260,
        "orient": "top", "symbolStrokeWidth": 2.5, "columns": 4,
    },
    "header": {
        "labelColor": "var(--ink)", "titleColor": "var(--soft-ink)", "labelFontSize": 12, "labelFontWeight": 600,
    },
    "text": {"color": "var(--ink)"},
}  # fmt: skip


def pick_color(index: int) -> str:
    """Return the colour of the method at a place in the comparison; after ten they repeat."""
    return f"var(--series-{index % SERIES + 1})"


def color_by_method(methods: Sequence[str], rows: Sequence[dict[str, Any]], legend: bool = True) -> dict[str, Any]:
    """Return the colour channel, in which a method has the same colour in every figure.

    Args:
        methods: All, in the order of the comparison.
        rows: The figure's rows; methods that are not in them are left out of the legend.
        legend: Whether there is one.
    """
    long = {"columns": 1, "labelLimit": 290} if max(map(len, methods), default=0) > LONG else {}
    present = {row["method"] for row in rows}
    colors = {name: pick_color(index) for index, name in enumerate(methods) if name in present}
    return {
        "field": "method",
        "type": "nominal",
        "scale": {"domain": list(colors), "range": list(colors.values())},
        "legend": {"title": None, "symbolOpacity": 1, **long} if legend else None,
    }


def resolve_colors(spec: dict[str, Any], colors: dict[str, str] = LIGHT) -> dict[str, Any]:
    """Return the specification with literal colours."""
    named = re.compile(r"var\(--([a-z0-9-]+)\)")
    text = named.sub(lambda match: colors.get(match[1], match[0]), json.dumps(spec))
    resolved: dict[str, Any] = json.loads(text)
    return resolved


def write_variables() -> str:
    """Return the style sheet's part that defines the colours: light, dark where the reader prefers it, light on
    paper."""
    light = " ".join(f"--{name}: {value};" for name, value in LIGHT.items())
    dark = " ".join(f"--{name}: {value};" for name, value in DARK.items())
    return (
        f":root {{ color-scheme: light; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; {dark} }} }}"
    )
