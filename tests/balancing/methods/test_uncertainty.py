"""Uncertainty weighting: against TorchJD's scalarizer with PyTorch's Adam, and by hand."""

import math

import pytest
import torch
from torchjd.scalarization import UW

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.uncertainty import Uncertainty
from catscale.errors import DivergedError
from tests.balancing.methods.scalarizers import gradient_of, together


def test_uncertainty_agrees_with_torchjd_and_torch_s_adam() -> None:
    method = Uncertainty(learning_rate=0.05)
    state = method.init(N)
    theirs = UW(N).double()
    torch.nn.init.constant_(theirs.log_var, -math.log(2))
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.05)
    for losses in together():
        expected = gradient_of(theirs, losses)
        weights, state = method.step(state, Signals(torch.arange(N), losses))
        torch.testing.assert_close(weights, expected)
        optimizer.zero_grad()
        theirs(losses).backward()
        optimizer.step()
        torch.testing.assert_close(state.values - math.log(2), theirs.log_var.detach())


def test_uncertainty_ends_at_half_the_inverse_loss() -> None:
    method = Uncertainty(learning_rate=0.05)
    state = method.init(2)
    losses = torch.tensor([4.0, 0.5], dtype=torch.float64)
    for _ in range(2000):
        weights, state = method.step(state, Signals(torch.arange(2), losses))
    torch.testing.assert_close(weights, 1 / (2 * losses), rtol=1e-3, atol=0)


def test_uncertainty_of_a_task_does_not_depend_on_the_others() -> None:
    method = Uncertainty(learning_rate=0.02)
    state = method.init(N)
    alone = {n: method.init(1) for n in range(N)}
    for step in trajectory():
        _, state = method.step(state, Signals(step.task_ids, step.losses))
        for n, loss in zip(step.task_ids.tolist(), step.losses, strict=True):
            _, alone[n] = method.step(alone[n], Signals(torch.tensor([0]), loss[None]))
    torch.testing.assert_close(state.values, torch.cat([alone[n].values for n in range(N)]))


def test_a_loss_that_is_not_finite_stops_it() -> None:
    method = Uncertainty()
    signals = Signals(torch.tensor([1]), torch.tensor([math.nan], dtype=torch.float64))
    with pytest.raises(
        DivergedError, match=r"losses must be finite, found \[nan\] for the tasks with ids \[1\]; lower"
    ):
        method.step(method.init(2), signals)
