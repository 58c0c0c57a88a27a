"""The comparison with conflictfree: its gradients, and the whole where the package is installed."""

import importlib.util
import sys

import pytest
import torch
from benchmarks.outside.conflictfree_agreement import WORST, main, make_gradients, our_step, relative_difference


def test_cases_differ_in_size_length_and_conflict() -> None:
    cases = [make_gradients(case) for case in range(42)]
    assert {len(rows) for rows in cases} == set(range(2, 9))
    norms = [rows.norm(dim=1) for rows in cases]
    assert max(float(norm.max() / norm.min()) for norm in norms) > 100
    cosines = [torch.corrcoef(rows).min() for rows in cases]
    assert min(cosines) < -0.8


def test_our_step_is_the_paper_s_by_the_pseudo_inverse_of_the_gradients() -> None:
    for case in range(12):
        rows = make_gradients(case)
        units = rows / rows.norm(dim=1, keepdim=True)
        along = torch.linalg.pinv(units).sum(1)
        expected = (rows @ along).sum() * along / along.square().sum()
        assert relative_difference(our_step("config", rows), expected) < WORST


@pytest.mark.skipif(importlib.util.find_spec("conflictfree") is None, reason="needs the package conflictfree")
def test_the_package_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["agreement", "--cases", "60"])
    assert main() == 0
