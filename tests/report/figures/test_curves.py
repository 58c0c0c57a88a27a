"""Curves of NLL over training, and over tokens."""

import pytest

from tests.report.figures.drawn import only


def test_curves_hold_the_mean_over_seeds_of_what_the_runs_recorded(source, figures):
    records = [run.valid[-1]["nll"]["en-be"] for run in source.runs if run.method == "T=1"]
    row = only(figures["nll"], method="T=1", direction="en-be", split="validation", step=800)
    assert row["mean"] == pytest.approx(sum(records) / 2)
    assert (row["low"], row["high"], row["seeds"]) == (min(records), max(records), 2)
    assert min(row["step"] for row in figures["nll"].rows) == 100


def test_sample_efficiency_averages_the_directions_of_a_group(source, figures):
    low = ["en-be", "en-az", "en-gl", "en-sk"]
    values = [run.valid[0]["nll"][name] for run in source.runs if run.method == "T=5" for name in low]
    row = only(figures["efficiency"], method="T=5", group="low-resource (4)", tokens=200_000)
    assert row["mean"] == pytest.approx(sum(values) / len(values))
