"""What the methods of losses alone share."""

import pytest
import torch

from catscale.balancing.contract import Signals
from catscale.balancing.methods.loss_method import LEAST_LOSS, finite_losses


def test_losses_are_at_least_the_least() -> None:
    found = finite_losses(Signals(torch.tensor([2, 0]), torch.tensor([0.0, 3.0])))
    assert found.dtype == torch.float64
    assert found.tolist() == [LEAST_LOSS, 3]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_the_training(value: float) -> None:
    with pytest.raises(Exception, match=r"losses must be finite, found \[.*\] for the tasks with ids \[2, 0\]; lower"):
        finite_losses(Signals(torch.tensor([2, 0]), torch.tensor([value, 3.0])))
