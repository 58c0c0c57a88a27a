"""Multiples that wrap, and layers that only answer the pointer."""

import json

import pytest

from catscale.report.figures.layout import (
    HOVER,
    fit_width,
    lay_out_plot,
    make_curve_layers,
    make_quantity,
    make_steps_axis,
    make_tooltips,
    remove_hover,
)


@pytest.mark.parametrize(("width", "columns"), [(900, 4), (500, 3), (330, 2), (150, 1)])
def test_multiples_wrap_to_the_width(figures, width, columns):
    fitted = fit_width(figures["nll"].spec, width, 8)
    assert fitted["columns"] == columns
    assert fitted["spec"]["width"] == width // columns - 72
    assert "width" not in figures["nll"].spec["spec"]


def test_pictures_go_without_what_answers_the_pointer(figures):
    assert HOVER in json.dumps(figures["nll"].spec)
    assert f'"name": "{HOVER}"' not in json.dumps(remove_hover(figures["nll"].spec))


def test_a_single_plot_leaves_room_for_its_axes():
    spec = lay_out_plot({"height": 10}, room=60)
    assert fit_width(spec, 500, 1)["width"] == 440
    assert "width" not in spec


def test_curves_have_a_band_where_there_are_several_seeds():
    marks = [[layer["mark"]["type"] for layer in make_curve_layers({}, [], None, seeds)] for seeds in (1, 2)]
    assert marks == [["line", "point"], ["area", "line", "point"]]
    assert [layer["mark"]["type"] for layer in remove_hover(make_curve_layers({}, []))] == ["line"]
    band = make_curve_layers({}, [], {"field": "split"}, 2)[0]
    assert band["encoding"]["detail"] == {"field": "split"}


def test_numbers_at_the_pointer_have_a_format_and_names_have_none():
    assert make_tooltips({"method": "method", "mean": ("nats", ".3f")}) == [
        {"field": "method", "title": "method", "type": "nominal"},
        {"field": "mean", "title": "nats", "type": "quantitative", "format": ".3f"},
    ]


def test_an_axis_of_quantities_need_not_begin_at_zero_and_one_of_a_domain_is_plain():
    assert make_quantity("mean", "nats")["scale"] == {"zero": False}
    assert make_quantity("mean", "nats", domain=[0, 1])["axis"]["format"] == "~g"
    assert make_steps_axis(padding=5)["scale"] == {"nice": False, "padding": 5}
