"""Curvature and alignment over training, and what analyses lack."""

import pytest

from tests.report.figures.drawn import figures_of, missing_of, only, source_of


def test_analyses_become_curves_and_heat_maps(source, figures):
    runs = [run for run in source.runs if run.method == "T=1"]
    values = [run.analysis[0]["curvature"]["en-be"]["lambda_max"] for run in runs]
    row = only(figures["curvature"], method="T=1", label="en-be (400)", step=200)
    assert row["mean"] == pytest.approx(sum(values) / 2)
    assert only(figures["curvature"], method="T=1", label="all, weighted", step=200)["mean"] == 18
    newest = [run.analysis[-1]["similarity"]["direction"]["D.LN"]["en-be|en-az"] for run in runs]
    for one, other in (("en-be", "en-az"), ("en-az", "en-be")):
        row = only(figures["pairs-direction"], method="T=1", module="D.LN", one=one, other=other)
        assert row["mean"] == pytest.approx(sum(newest) / 2)
    by_kind = [run.analysis[-1]["similarity_by_resource"]["magnitude"]["E.SA"]["low-low"]["mean"] for run in runs]
    row = only(figures["similarity-magnitude"], method="T=1", module="E.SA", pairs="low-low")
    assert row["mean"] == pytest.approx(sum(by_kind) / 2)


def test_one_error_band_from_the_pairs_where_there_is_one_seed(tmp_path):
    row = figures_of(source_of(tmp_path, methods={"T=1": 1.0}, seeds=1))["alignment"].rows[0]
    assert row["high"] - row["mean"] == pytest.approx(0.02)


def test_an_analysis_without_similarities_is_told_apart_from_none(tmp_path):
    made = source_of(tmp_path, methods={"T=1": 1.0}, seeds=1)
    made.runs[0].analysis[:] = [{"step": 1, "curvature": {"en-be": {"lambda_max": 2.0}, "en-az": {}}}]
    assert [row["mean"] for row in figures_of(made)["curvature"].rows] == [2.0]
    reasons = {figure.reason.split(";")[0] for figure in missing_of(made) if figure.section == "landscape"}
    assert reasons == {
        "no analysis has similarities of high- and low-resource gradients",
        "no analysis has similarities by resource group",
        "no analysis has similarities of gradients",
    }


def test_eigenvalues_that_had_not_converged_are_counted(tmp_path):
    made = source_of(tmp_path, methods={"T=1": 1.0}, seeds=1)
    assert "converged" not in figures_of(made)["curvature"].caption
    made.runs[0].analysis[0]["curvature"]["en-az"]["converged"] = False
    assert "1 of 36 had not converged" in figures_of(made)["curvature"].caption
