"""The Pareto view and the differences: the result of the comparison."""

import pytest

from tests.report.figures.drawn import figures_of, only, source_of


def test_pareto_and_differences_are_the_comparison_s_rows(source, figures):
    row = only(figures["pareto"], method="T=5", metric="BLEU", seed=None)
    low, high = (source.comparison.row("bleu", group, "T=5") for group in ("low", "high"))
    assert (row["low"], row["high"], row["temperature"]) == (low.mean, high.mean, 5.0)
    assert (row["low_from"], row["high_to"]) == (low.interval[0], high.interval[1])
    found = only(figures["differences"], method="T=5 + CATS", direction="en-be", metric="NLL")
    difference = source.comparison.row("nll", "en-be", "T=5 + CATS").difference
    assert (found["mean"], found["from"], found["to"]) == (difference.mean, *difference.interval)
    assert found["seed_std"] == difference.seed_std == 0.01
    assert "T=5" not in {row["method"] for row in figures["differences"].rows}


def kinds_of_marks(figure):
    return {layer["mark"]["type"] for layer in figure.spec["layer"] if isinstance(layer["mark"], dict)}


def test_pareto_claims_what_is_drawn_and_no_more(tmp_path):
    """Three temperatures make a curve, two do not; one seed is said to be one."""
    many = figures_of(source_of(tmp_path / "many", balance=False, analysis=False))["pareto"]
    assert "joins the 3 plain temperatures that were run" in many.caption
    assert "another temperature may lie on either side" in many.caption
    assert "Small dots: single seeds" in many.caption
    assert "line" in kinds_of_marks(many)
    seeds = [row for row in many.rows if row["method"] == "T=5" and row["metric"] == "BLEU" and row["seed"]]
    assert [row["seed"] for row in seeds] == [1, 2]
    assert sum(row["low"] for row in seeds) / 2 == pytest.approx(
        only(many, method="T=5", metric="BLEU", seed=None)["low"]
    )
    few = figures_of(
        source_of(tmp_path / "few", methods={"T=1": 1.0, "T=5": 5.0, "x": None}, seeds=1, balance=False, analysis=False)
    )["pareto"]
    assert "T=1 and T=5: the plain temperatures that were run; others were not measured" in few.caption
    assert "One seed each" in few.caption
    assert "line" not in kinds_of_marks(few)
    for figure in (many, few):
        assert "trades better" not in figure.caption
        assert "over test sentences alone" in figure.caption


def test_the_metric_of_the_verdict_comes_first(tmp_path):
    source = source_of(tmp_path, balance=False, analysis=False, metric="nll")
    for name in ("pareto", "differences"):
        assert next(iter(figures_of(source)[name].choice.options.values())) == ["NLL"]
