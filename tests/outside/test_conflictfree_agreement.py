"""The comparison with conflictfree: its gradients, and the whole where the package is installed."""

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from benchmarks.outside import conflictfree_agreement
from benchmarks.outside.conflictfree_agreement import WORST, main, make_gradients, our_step, relative_difference
from torch import Tensor


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


@pytest.mark.parametrize("error", [0.0, 1e-3])
def test_the_largest_difference_is_written_and_decides_the_status(
    error: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package is a stand-in whose step is ours, in one of three cases longer by the error."""
    steps = iter([1.0, 1 + error, 1.0])

    def calculate(rows: Tensor) -> Tensor:
        return our_step("config", rows) * next(steps)

    operator = SimpleNamespace(calculate_gradient=calculate)
    stand_in = SimpleNamespace(ConFIGOperator=lambda: operator)
    monkeypatch.setattr(conflictfree_agreement, "import_module", lambda name: stand_in)
    monkeypatch.setattr(conflictfree_agreement, "version", lambda name: "0.0.1")
    path = tmp_path / "conflictfree.json"
    monkeypatch.setattr(sys, "argv", ["agreement", "--cases", "3", "--json", str(path)])
    assert main() == int(error > 0)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["largest"] == pytest.approx(error, rel=2e-3)
    assert (content["cases"], content["conflictfree"], content["allowed"]) == (3, "0.0.1", WORST)
    assert content["torch"] == torch.__version__
    assert content["command"].endswith("conflictfree_agreement --cases 3")
