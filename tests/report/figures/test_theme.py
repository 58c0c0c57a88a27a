"""Colours: those of methods, their contrast, and how they are resolved."""

import pytest

from catscale.report.figures.theme import (
    DARK,
    LIGHT,
    SERIES,
    color_by_method,
    pick_color,
    resolve_colors,
    write_variables,
)


def test_a_method_keeps_its_colour_in_every_figure(figures):
    def pairs(node):
        if isinstance(node, dict):
            if node.get("field") == "method" and isinstance(node.get("scale"), dict):
                yield from zip(node["scale"]["domain"], node["scale"]["range"], strict=True)
            for item in node.values():
                yield from pairs(item)
        elif isinstance(node, list):
            for item in node:
                yield from pairs(item)

    found = {pair for figure in figures.values() for pair in pairs(figure.spec)}
    assert found == {(name, pick_color(i)) for i, name in enumerate(("T=1", "T=5", "T=100", "T=5 + CATS"))}


def contrast(one, other):
    def luminance(color):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_stand_out_from_their_background(colors):
    for name in ("ink", "soft-ink", "better", "worse"):
        assert contrast(colors[name], colors["paper"]) >= 4.5, name
        assert contrast(colors[name], colors["soft"]) >= 4.5, name
    for index in range(SERIES):
        assert contrast(colors[f"series-{index + 1}"], colors["paper"]) >= 3, index


def test_colours_are_resolved_and_other_text_is_left():
    assert resolve_colors({"a": ["var(--paper)", "var(--nothing)"]}) == {"a": ["#ffffff", "var(--nothing)"]}


def test_colours_repeat_after_the_tenth_and_those_of_absent_methods_stay_out_of_the_legend():
    assert pick_color(0) == pick_color(SERIES) == "var(--series-1)"
    channel = color_by_method(["a", "b", "c"], [{"method": "c"}, {"method": "a"}])
    assert channel["scale"] == {"domain": ["a", "c"], "range": ["var(--series-1)", "var(--series-3)"]}
    assert color_by_method(["a"], [{"method": "a"}], legend=False)["legend"] is None


def test_the_style_sheet_has_every_colour_in_light_and_dark():
    assert LIGHT.keys() == DARK.keys()
    light, dark = write_variables().split("@media screen")
    assert all(f"--{name}: {color};" in light for name, color in LIGHT.items())
    assert all(f"--{name}: {color};" in dark for name, color in DARK.items())
