"""The figure of which parts each language uses."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from catscale.report.export import draw_svg
from catscale.report.figures.figure import Source
from catscale.report.figures.usage import draw_overlap, draw_usage
from catscale.report.history import read_runs
from tests.report.fakes import make_comparison

Usage = Mapping[str, Mapping[str, float | None] | None]


def make_source(folder: Path) -> Source:
    comparison = make_comparison(folder, methods={"T=1": 1.0, "latent": 5.0}, count=2, analysis=False, balance=False)
    for seed, share in ((1, 0.25), (2, 0.75)):
        path = Path(comparison.methods[1].folders[seed - 1]) / "metrics.jsonl"
        usage = {"en": {"encoder.0": 1.0}, "az": {"decoder.0": share, "decoder.1": None}}
        record = {"kind": "valid", "step": 900, "nll": {}, "usage": usage}
        path.write_text(path.read_text() + json.dumps(record) + "\n")
    return Source(comparison, read_runs(comparison))


def test_a_cell_is_the_mean_over_seeds_at_the_last_validation(tmp_path: Path) -> None:
    figure = draw_usage(make_source(tmp_path))
    assert figure is not None
    assert figure.rows == [
        {"method": "latent", "language": "en", "part": "encoder.0", "mean": 1.0},
        {"method": "latent", "language": "az", "part": "decoder.0", "mean": pytest.approx(0.5)},
    ]
    assert "latent: mean 0.75, from 0.50 (az, decoder.0) to 1.00 (en, encoder.0)" in figure.alt
    assert draw_svg(figure).startswith("<svg")


def test_where_all_use_everything_it_is_left_out(tmp_path: Path) -> None:
    comparison = make_comparison(tmp_path, methods={"T=1": 1.0}, count=2, analysis=False, balance=False, seeds=1)
    assert draw_usage(Source(comparison, read_runs(comparison))) is None


def source_with(*usages: Usage | None, methods: Sequence[str] = ("latent",)) -> Source:
    """Return a source whose runs, one a method after the other, have a last validation with a table each."""
    records = [{"kind": "valid", "step": 8} | ({} if usage is None else {"usage": usage}) for usage in usages]
    runs = [
        SimpleNamespace(method=methods[place % len(methods)], valid=[{"usage": {"old": {"x": 0.1}}}, record])
        for place, record in enumerate(records)
    ]
    found: Any = SimpleNamespace(methods=list(methods), runs=runs)
    return found


def cells(source: Source) -> dict[tuple[str, str, str], float]:
    figure = draw_usage(source)
    assert figure is not None
    return {(row["method"], row["language"], row["part"]): row["mean"] for row in figure.rows}


def test_a_mean_is_over_the_seeds_that_have_the_cell() -> None:
    """A seed without the language, the part or the whole table is not one of them, and no zero; a 0 is."""
    full: Usage = {"az": {"a": 0.8, "b": 0.0}, "be": {"a": 0.5}}
    found = cells(source_with(full, {"az": {"a": 0.2, "b": None}}, None, {"az": {"b": 1.0}}, {"be": None}))
    expected = {("latent", "az", "a"): 0.5, ("latent", "az", "b"): 0.5, ("latent", "be", "a"): 0.5}
    assert found == pytest.approx(expected)


def test_methods_are_told_apart_and_stand_in_the_comparison_s_order() -> None:
    tables: list[Usage | None] = [{"az": {"a": 0.25}}, None, {"az": {"a": 1.0}}, {"az": {"a": 0.75}}, None, None]
    source = source_with(*tables, methods=("z", "without", "a"))
    assert cells(source) == {("z", "az", "a"): 0.5, ("a", "az", "a"): 1.0}
    figure = draw_usage(source)
    assert figure is not None
    assert figure.alt == (
        "Heat maps of shares. z: mean 0.50, from 0.50 (az, a) to 0.50 (az, a); "
        "a: mean 1.00, from 1.00 (az, a) to 1.00 (az, a)."
    )


def test_parts_keep_their_order_and_languages_are_sorted() -> None:
    figure = draw_usage(source_with({"gl": {"encoder.10": 0.1, "encoder.9": 0.2}, "be": {"decoder.0": 0.3}}))
    assert figure is not None
    text = json.dumps(figure.spec)
    assert '"sort": ["encoder.10", "encoder.9", "decoder.0"]' in text
    assert '"sort": ["be", "gl"]' in text
    assert '"domain": [0, 1]' in text


def test_of_equal_shares_the_first_is_named() -> None:
    figure = draw_usage(source_with({"az": {"a": 0.5, "b": 0.5}, "be": {"c": 0.5}}))
    assert figure is not None
    assert "mean 0.50, from 0.50 (az, a) to 0.50 (az, a)" in figure.alt


def test_the_caption_has_the_share_of_all_gates_as_used_and_as_the_budget_counts() -> None:
    source = source_with({"az": {"a": 0.5}}, {"az": {"a": 0.5}}, {"az": {"a": 0.1}}, methods=("latent", "routed"))
    more: Any = [SimpleNamespace(method="routed", valid=[{"usage": {"az": {"a": 0.1}}}]) for _ in range(2)]
    source.runs.extend(more)
    for run, gates in zip(
        source.runs[1:], ({"hard": 0.1, "soft": 0.25}, None, {"hard": 0.28, "soft": 0.35}), strict=False
    ):
        run.valid[-1]["gates"] = gates
    source.runs[-1].valid[-1]["gates"] = {"hard": None, "soft": None}
    figure = draw_usage(source)
    assert figure is not None
    assert figure.caption.endswith("projection. Over all gates of routed: 0.19 as used, 0.30 as the budget counts.")


def test_without_gates_the_caption_is_silent_about_them() -> None:
    figure = draw_usage(source_with({"az": {"a": 0.5}}))
    assert figure is not None
    assert figure.caption.endswith("the language's own projection.")


@pytest.mark.parametrize("usages", [(), (None,), ({},), ({"az": {}},), ({"az": {"a": None}},)])
def test_tables_without_a_share_are_no_figure(usages: tuple[Usage | None, ...]) -> None:
    assert draw_usage(source_with(*usages)) is None


def test_a_run_that_was_never_validated_is_passed_over() -> None:
    source = source_with({"az": {"a": 0.5}})
    never: Any = SimpleNamespace(method="latent", valid=[])
    source.runs.insert(0, never)
    assert cells(source) == {("latent", "az", "a"): 0.5}


def test_what_sub_networks_have_in_common_is_drawn_but_not_with_themselves() -> None:
    overlap = {"en-az": {"en-az": 1.0, "en-be": 0.4}, "en-be": {"en-az": 0.6, "en-be": 1.0}}
    runs = [
        SimpleNamespace(method="lass", valid=[{"overlap": table}]) for table in (overlap, {"en-az": {"en-be": 0.5}})
    ]
    source: Any = SimpleNamespace(methods=["lass"], runs=runs)
    assert draw_usage(source) is None
    figure = draw_overlap(source)
    assert figure is not None
    assert (figure.name, figure.title) == ("overlap", "Similarity of sub-networks")
    assert figure.rows == [
        {"method": "lass", "direction": "en-az", "other": "en-be", "mean": pytest.approx(0.45)},
        {"method": "lass", "direction": "en-be", "other": "en-az", "mean": 0.6},
    ]
    assert "lass: mean 0.53, from 0.45 (en-az, en-be) to 0.60 (en-be, en-az)" in figure.alt
    assert '"field": "direction"' in json.dumps(figure.spec)
    assert '"field": "other"' in json.dumps(figure.spec)
    assert draw_svg(figure).startswith("<svg")
