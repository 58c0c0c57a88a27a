"""Norms: float64 on the CPU, and what is refused."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.methods.norm_method import finite_norms
from catscale.errors import DivergedError

TWO = torch.arange(2)


def test_norms_are_read_in_float64() -> None:
    assert finite_norms(Signals(TWO, TWO, norms=torch.tensor([1.0, 2.0]))).dtype == torch.float64


def test_norms_that_are_missing_or_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match=r"needs the gradients' norms, found none; measure what request\(\) asks for"):
        finite_norms(Signals(TWO, TWO))
    with pytest.raises(
        DivergedError, match=r"gradient norms must be finite, found \[1.0, inf\] for the tasks with ids"
    ):
        finite_norms(Signals(TWO, TWO, norms=torch.tensor([1.0, torch.inf])))
