"""Task weights, sampling shares and the combined gradient."""

from dataclasses import replace

import pytest

from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.figures.weights import draw_combined_gradient, draw_sampling_shares, draw_task_weights
from tests.report.figures.drawn import only


def test_weights_are_relative_to_equal_ones(source, figures):
    for step in (50, 800):
        rows = [row for row in figures["weights"].rows if row["step"] == step]
        assert sum(row["mean"] for row in rows) / len(rows) == pytest.approx(1)
    weights = [run.balance[-1]["weights"] for run in source.runs if run.balance]
    expected = sum(w["en-ru"] / sum(w.values()) * 8 for w in weights) / 2
    assert only(figures["weights"], direction="en-ru", step=800)["mean"] == pytest.approx(expected)


def test_weights_that_sum_to_nothing_have_no_share(source):
    run = replace(source.runs[-1], balance=[{"step": 1, "weights": {"en-az": 0.0, "en-be": 0.0}}])
    missing = draw_task_weights(Source(source.comparison, [run]))
    assert isinstance(missing, Missing)
    assert "no run has balance records" in missing.reason


def test_learnt_probabilities_are_relative_to_uniform(source):
    run = replace(source.runs[0], sample=[{"step": 5, "probabilities": {"en-az": 0.75, "en-be": 0.25}}])
    figure = draw_sampling_shares(Source(source.comparison, [run]))
    assert isinstance(figure, Figure)
    assert {row["direction"]: row["mean"] for row in figure.rows} == {"en-az": 1.5, "en-be": 0.5}
    assert "from 0.50 (en-be) to 1.50 (en-az) at step 5" in figure.alt


def test_the_combined_gradient_is_logarithmic_and_leaves_out_what_has_no_logarithm(source):
    records = [{"step": step, "curvature": value} for step, value in enumerate([None, 0.0, -1.0, 2.0, 0.5])]
    figure = draw_combined_gradient(Source(source.comparison, [replace(source.runs[0], balance=records)]))
    assert isinstance(figure, Figure)
    assert [(row["step"], row["mean"]) for row in figure.rows] == [(3, 2.0), (4, 0.5)]
    assert {layer["encoding"]["y"]["scale"]["type"] for layer in figure.spec["layer"]} == {"log"}
    assert figure.alt.endswith("At the last step: T=1 0.5.")
