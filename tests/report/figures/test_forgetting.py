"""New against old languages: the comparison's rows, drawn; nothing without a base."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catscale.comparison.result import Difference, Forgetting, Row
from catscale.report.export import draw_svg
from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.figures.forgetting import draw_new_against_old
from tests.report.fakes import make_comparison
from tests.report.figures.drawn import only

CHANGE = Difference(0.0, (0.0, 0.0), None, 0.5, None, 0.5, False)


def row(over: str, method: str, value: float, before: float | None, seeds: int, metric: str = "bleu") -> Row:
    values = [value + 0.5 * (2 * seed - seeds + 1) for seed in range(seeds)]
    change = None if before is None else replace(CHANGE, mean=value - before, interval=(value - before - 1, 1.0))
    return Row(metric, over, method, values, value, None, (value - 2, value + 2), change)


def make_source(folder: Path, seeds: int = 2, metrics: tuple[str, ...] = ("bleu",), **changes: Any) -> Source:
    """Four methods, which lose 1, 2, 3 and 4 and gain more and more."""
    comparison = make_comparison(folder, count=4, seeds=seeds, analysis=False, balance=False)
    rows = []
    for metric in metrics:
        rows += [row("old", "before", 30.0, None, 1, metric), row("new", "before", 1.0, None, 1, metric)]
        for place, method in enumerate(comparison.methods, start=1):
            rows.append(row("old", method.name, 30.0 - place, 30.0, seeds, metric))
            rows.append(row("new", method.name, 10.0 + place, 1.0, seeds, metric))
    found = Forgetting(["en-ru", "en-tr"], ["en-gl"], "x", rows, "before", 8)
    return Source(replace(comparison, forgetting=replace(found, **changes)), [])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return make_source(tmp_path_factory.mktemp("runs"), metrics=("bleu", "nll"))


@pytest.fixture
def figure(source: Source) -> Figure:
    found = draw_new_against_old(source)
    assert isinstance(found, Figure)
    return found


def test_points_are_the_comparison_s_rows(figure: Figure) -> None:
    mean = only(figure, method="T=5", metric="BLEU", seed=None)
    assert (mean["change"], mean["change_from"], mean["change_to"]) == (-2.0, -3.0, 1.0)
    assert (mean["new"], mean["new_from"], mean["new_to"]) == (12.0, 10.0, 14.0)
    seeds = [only(figure, method="T=5", metric="BLEU", seed=seed) for seed in (1, 2)]
    assert [(row["change"], row["new"]) for row in seeds] == [(-2.5, 11.5), (-1.5, 12.5)]


def test_it_is_drawn_and_says_what_is_seen(figure: Figure) -> None:
    svg = draw_svg(figure)
    assert "T=5 + CATS" in svg
    assert "change of the average over old directions" in svg
    assert "T=1 11.00 new, -1.00 old" in figure.alt
    assert "The average over 1 directions of new languages (up)" in figure.caption
    assert "average over 2 old directions has changed" in figure.caption
    assert "Small dots: single runs. Bars" in figure.caption
    assert figure.caption.endswith("Top right is best; for NLL, bottom left.")
    assert figure.choice is not None
    assert list(figure.choice.options) == ["BLEU", "NLL"]


def test_one_run_each_has_no_small_dots(tmp_path: Path) -> None:
    figure = draw_new_against_old(make_source(tmp_path, seeds=1))
    assert isinstance(figure, Figure)
    assert "One run each." in figure.caption
    assert figure.caption.endswith("Top right is best.")
    assert {row["seed"] for row in figure.rows} == {None}


def test_without_a_base_or_without_new_languages_there_is_no_such_figure(source: Source, tmp_path: Path) -> None:
    assert draw_new_against_old(replace(source, comparison=replace(source.comparison, forgetting=None))) is None
    assert draw_new_against_old(make_source(tmp_path / "a", new=[])) is None
    assert draw_new_against_old(make_source(tmp_path / "b", rows=[])) is None


def test_what_was_not_scored_is_named(tmp_path: Path) -> None:
    found = draw_new_against_old(make_source(tmp_path, reason="it was not scored"))
    assert found == Missing("outcome", "New against old languages", "it was not scored")
