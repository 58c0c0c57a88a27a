"""The table of `catscale analyze`."""

import pytest

from catscale.report.analysis_table import print_analysis

KEYS = ("lambda_max", "residual", "iterations", "converged", "trace", "trace_error", "fisher_trace", "fisher_error")


@pytest.mark.parametrize(("square", "shown"), [(None, "–"), (-1e-20, "0"), (0.25, "0.5")])
def test_nulls_and_a_squared_gradient_below_zero(capsys, square, shown):
    """A record of a model that is not finite has null for everything; rounding can leave αᵀGα below 0."""
    empty = dict.fromkeys(KEYS)
    record = {
        "step": 3, "curvature": {"en-az": empty}, "curvature_groups": None, "gradient_norms": {"en-az": None},
        "total": {**empty, "squared_gradient": square},
        "similarity_by_resource": {"direction": {"all": {"low-low": {"mean": None, "error": None, "pairs": 0}}}},
    }  # fmt: skip
    print_analysis(record)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "Σ αₙ Lₙ" in line]
    assert line.split("│")[-2].strip() == shown


@pytest.mark.parametrize("converged", [True, False])
def test_a_group_that_did_not_converge(capsys, converged):
    empty = dict.fromkeys(KEYS)
    group = {"en-az": {**empty, "lambda_max": 2.5, "converged": converged}}
    record = {
        "step": 3, "curvature": {"en-az": empty}, "curvature_groups": {"E.SA": group}, "total": None,
        "gradient_norms": {"en-az": 1.0}, "similarity_by_resource": {},
    }  # fmt: skip
    print_analysis(record)
    shown = capsys.readouterr().out
    assert ("2.5*" in shown) == ("* not converged" in shown) == (not converged)
