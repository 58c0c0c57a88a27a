"""The overfitting gap."""

from dataclasses import replace

import pytest

from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.figures.gap import draw_overfitting_gap
from tests.report.figures.drawn import only


def test_the_gap_is_validation_less_train_and_less_its_lowest(source, figures):
    runs = [run for run in source.runs if run.method == "T=100"]
    gaps = [run.valid[-1]["nll"]["en-az"] - run.train[-1]["nll"]["en-az"] for run in runs]
    rises = [run.valid[-1]["nll"]["en-az"] - min(r["nll"]["en-az"] for r in run.valid) for run in runs]
    where = {"method": "T=100", "direction": "en-az"}
    assert only(figures["gap"], measure="validation − train", **where)["mean"] == pytest.approx(sum(gaps) / 2)
    assert only(figures["gap"], measure="validation − its lowest", **where)["mean"] == pytest.approx(sum(rises) / 2)


def test_the_nearest_training_record_is_taken_and_a_direction_without_one_has_its_rise_alone(source):
    run = replace(
        source.runs[0],
        train=[{"step": 10, "nll": {"en-az": 2.0}}, {"step": 19, "nll": {"en-az": 1.0}}],
        valid=[{"step": 10, "nll": {"en-az": 2.5, "en-be": 3.0}}, {"step": 20, "nll": {"en-az": 3.0, "en-be": 2.75}}],
    )
    figure = draw_overfitting_gap(Source(source.comparison, [run]))
    assert isinstance(figure, Figure)
    assert {(row["direction"], row["measure"]): row["mean"] for row in figure.rows} == {
        ("en-az", "validation − train"): 2.0,
        ("en-az", "validation − its lowest"): 0.5,
        ("en-be", "validation − its lowest"): 0.0,
    }


def test_without_a_validation_there_is_none(source):
    missing = draw_overfitting_gap(Source(source.comparison, [replace(source.runs[0], valid=[])]))
    assert isinstance(missing, Missing)
    assert "no run has a validation and training records" in missing.reason
