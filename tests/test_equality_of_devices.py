"""What `benchmarks/device/equality.py` makes of two first steps."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from benchmarks.device import equality

SEEN = equality.SeenStep(
    {"a": 2.0, "b": 4.0},
    {"large": torch.tensor([3.0, 4.0]).double(), "small": torch.tensor([1e-9]).double()},
    {"a": 0.5, "b": 1.5},
    [torch.tensor([1.0])],
)


def test_equal_steps_are_ok() -> None:
    row = equality.compare(SEEN, SEEN, equality.BARS["fp32"])
    assert row["ok"]
    assert set(row["differences"].values()) == {0.0}
    assert row["note"].startswith("ok: ")


@pytest.mark.parametrize(
    ("changed", "worst"),
    [
        ({"losses": {"a": 2.0, "b": 4.001}}, "loss 2.5e-04, bar 1e-05"),
        ({"losses": {"a": 2.0}}, "loss inf, bar 1e-05"),
        ({"weights": {"a": 0.5, "b": float("nan")}}, "weights nan, bar 1e-04"),
        ({"gradients": {**SEEN.gradients, "large": torch.tensor([3.0, 4.01]).double()}}, "gradient 2.0e-03, bar 1e-04"),
        ({"gradients": {**SEEN.gradients, "small": torch.tensor([2e-5]).double()}}, "parameter 4.0e-03, bar 1e-03"),
    ],
)
def test_steps_that_are_not_equal_are_not_ok(changed: dict[str, Any], worst: str) -> None:
    row = equality.compare(replace(SEEN, **changed), SEEN, equality.BARS["fp32"])
    assert not row["ok"]
    assert row["note"] == f"NOT ok: {worst}"
    assert len(f"{'':43} {row['note']}") <= 80


def test_rounding_of_a_gradient_that_is_zero_is_ok() -> None:
    found = replace(SEEN, gradients={**SEEN.gradients, "small": torch.tensor([-1e-9]).double()})
    assert equality.compare(found, SEEN, equality.BARS["fp32"])["ok"]
