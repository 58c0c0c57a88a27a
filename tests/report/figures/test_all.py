"""Every figure, from made-up runs of several shapes: its words, and that it can be drawn."""

import json
import re

import pytest

from catscale.report.export import draw_svg, load_renderer
from catscale.report.figures.figure import Source
from catscale.report.figures.layout import fit_width
from catscale.report.figures.theme import LIGHT, resolve_colors
from tests.report.figures.drawn import figures_of, missing_of, source_of

NAMES = [
    "differences", "pareto", "nll", "efficiency", "dev-bleu", "gap", "weights", "combined-gradient", "curvature",
    "alignment", "similarity-direction", "similarity-magnitude", "pairs-direction", "pairs-magnitude",
    "similarity-spread",
]  # fmt: skip


def test_all_figures_are_there_but_the_learnt_sampling(source, figures):
    assert list(figures) == NAMES
    law, learnt = missing_of(source)
    assert "needs 4 plain temperatures, found T=1, T=5, T=100; add" in law.reason
    assert "multidds" in learnt.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_drawn_with_its_marks_and_tells_its_numbers(figures, name):
    figure = figures[name]
    svg = draw_svg(figure)
    assert svg.startswith("<svg")
    assert "var(--" not in svg
    assert len(re.findall(r"<path", svg)) > 20
    assert LIGHT["series-4"] in svg or "similarity" in name or "pairs" in name
    assert re.search(r"\d", figure.alt)
    assert "CATS" in figure.alt
    assert figure.caption.endswith(".")


def test_every_axis_of_numbers_has_a_title(figures):
    def channels(node):
        if isinstance(node, dict):
            for key, item in node.items():
                if key in ("x", "y") and isinstance(item, dict) and item.get("type") == "quantitative":
                    yield item
                yield from channels(item)
        elif isinstance(node, list):
            for item in node:
                yield from channels(item)

    for name, figure in figures.items():
        assert all(channel.get("title") for channel in channels(figure.spec)), name


def test_one_seed_without_balancing_or_analysis(tmp_path):
    plain = source_of(tmp_path, methods={"T=1": 1.0, "T=5": 5.0}, seeds=1, balance=False, analysis=False)
    figures = figures_of(plain)
    assert list(figures) == ["differences", "pareto", "nll", "efficiency", "dev-bleu", "gap"]
    assert '"area"' not in json.dumps(figures["nll"].spec)
    reasons = " ".join(figure.reason for figure in missing_of(plain))
    assert "`catscale analyze RUN --steps all`" in reasons
    assert "no run has balance records" in reasons


def test_two_methods_and_two_directions_are_drawn_too(tmp_path):
    small = figures_of(source_of(tmp_path, methods={"a <b>": None, "T=1": 1.0}, count=2, seeds=1))
    assert set(small) == set(NAMES)
    for figure in small.values():
        assert draw_svg(figure).startswith("<svg")


def test_without_the_runs_folders_the_scores_remain(source):
    gone = Source(source.comparison, [])
    assert list(figures_of(gone)) == ["differences", "pareto"]


def test_a_hundred_directions_are_shown_in_parts(tmp_path):
    many = source_of(tmp_path, methods={"T=1": 1.0, "T=5 + CATS": None}, count=100, seeds=1, steps=160)
    figures = figures_of(many)
    for name in ("nll", "weights"):
        choice = figures[name].choice
        first, *pages = choice.options.values()
        assert len(first) == 6
        assert len({label for page in pages for label in page}) == 100
        assert {row["label"] for row in figures[name].shown(figures[name].rows)} == set(first)
        assert "(3 smallest and 3 largest)" in figures[name].heading
    assert figures["curvature"].choice.options["3 smallest and 3 largest"][0] == "all, weighted"
    assert len({row["one"] for row in figures["pairs-direction"].rows}) == 16
    assert max(len(figure.rows) for figure in figures.values()) <= 24_000
    assert draw_svg(figures["nll"]).startswith("<svg")


def test_specifications_compile_without_a_warning(figures, capfd):
    for figure in figures.values():
        spec = resolve_colors(fit_width(figure.spec, 900, 4)) | {"datasets": {"rows": figure.rows}}
        load_renderer().vegalite_to_vega(spec, vl_version="6.4")
    assert "WARN" not in capfd.readouterr().err
