"""IMTL-L: against TorchJD's scalarizer with PyTorch's Adam, against uncertainty weighting, and by hand."""

import math

import pytest
import torch
from torchjd import scalarization

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.imtl_l import IMTLL
from catscale.balancing.methods.uncertainty import Uncertainty
from catscale.errors import DivergedError
from tests.balancing.methods.scalarizers import gradient_of, together


def test_it_agrees_with_torchjd_and_torch_s_adam() -> None:
    method = IMTLL(learning_rate=0.05)
    state = method.init(N)
    theirs = scalarization.IMTLL(N).double()
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.05)
    for losses in together():
        expected = gradient_of(theirs, losses)
        weights, state = method.step(state, Signals(torch.arange(N), losses))
        torch.testing.assert_close(weights, expected)
        optimizer.zero_grad()
        theirs(losses).backward()
        optimizer.step()
        torch.testing.assert_close(state.values, theirs.log_scale.detach())


def test_all_weighted_losses_end_at_one_twice_those_of_uncertainty() -> None:
    losses = torch.tensor([4.0, 0.5], dtype=torch.float64)
    ends = []
    for method in (IMTLL(learning_rate=0.05), Uncertainty(learning_rate=0.05)):
        state = method.init(2)
        for _ in range(1000):
            weights, state = method.step(state, Signals(torch.arange(2), losses))
        ends.append(weights)
    torch.testing.assert_close(ends[0] * losses, torch.ones_like(losses), rtol=1e-3, atol=0)
    torch.testing.assert_close(ends[0], 2 * ends[1], rtol=2e-3, atol=0)


def test_a_task_does_not_depend_on_the_others() -> None:
    method = IMTLL(learning_rate=0.02)
    state = method.init(N)
    alone = {n: method.init(1) for n in range(N)}
    for step in trajectory():
        _, state = method.step(state, Signals(step.task_ids, step.losses))
        for n, loss in zip(step.task_ids.tolist(), step.losses, strict=True):
            _, alone[n] = method.step(alone[n], Signals(torch.tensor([0]), loss[None]))
    torch.testing.assert_close(state.values, torch.cat([alone[n].values for n in range(N)]))


def test_a_loss_that_is_not_finite_stops_it() -> None:
    signals = Signals(torch.tensor([1]), torch.tensor([math.nan], dtype=torch.float64))
    with pytest.raises(
        DivergedError, match=r"losses must be finite, found \[nan\] for the tasks with ids \[1\]; lower"
    ):
        IMTLL().step(IMTLL().init(2), signals)


def test_the_first_step_is_adam_s_towards_the_inverse_of_the_loss() -> None:
    """Adam's first step has the size of its rate, whatever the slope; a task at L = 1 rests, absent ones too."""
    method = IMTLL(learning_rate=0.25)
    losses = torch.tensor([3.0, 0.2, 1.0], dtype=torch.float64)
    weights, state = method.step(method.init(4), Signals(torch.tensor([0, 1, 3]), losses))
    assert weights.tolist() == [1.0, 1.0, 1.0]
    assert method.describe(state)["log_factors"] == pytest.approx([-0.25, 0.25, 0.0, 0.0], abs=1e-6)
    assert method.weights(state, torch.tensor([1, 0])).tolist() == pytest.approx([math.exp(0.25), math.exp(-0.25)])


def test_a_rate_of_zero_is_the_plain_sum_of_the_losses() -> None:
    method = IMTLL(learning_rate=0.0)
    state = method.init(N)
    for step in trajectory()[:5]:
        weights, state = method.step(state, Signals(step.task_ids, step.losses))
        assert weights.tolist() == [1.0] * len(step.task_ids)
