"""FAMO: against TorchJD's scalarizer where all tasks are present, and by hand where not."""

import math

import pytest
import torch
from torchjd import scalarization

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.famo import FAMO
from catscale.errors import DivergedError
from tests.balancing.methods.scalarizers import gradient_of, together


def test_famo_agrees_with_torchjd_where_all_tasks_are_present() -> None:
    method = FAMO(learning_rate=0.05)
    state = method.init(N)
    theirs = scalarization.FAMO(N, lr=0.05).double()
    latest = None
    for losses in together():
        if latest is not None:
            torch.testing.assert_close(method.weights(state, torch.arange(N)), gradient_of(theirs, latest))
            theirs.update(losses)
        weights, state = method.step(state, Signals(torch.arange(N), losses))
        assert weights.sum().item() == pytest.approx(1)
        torch.testing.assert_close(state.values, theirs._w.detach())
        latest = losses


def test_famo_by_hand_whichever_tasks_are_present() -> None:
    method = FAMO(learning_rate=0.05, weight_decay=0.01)
    state = method.init(N)
    logits = [torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in range(N)]
    optimizers = [torch.optim.Adam([x], lr=0.05, weight_decay=0.01) for x in logits]
    latest: dict[int, float] = {}
    for step in trajectory():
        ids = step.task_ids.tolist()
        losses = dict(zip(ids, step.losses.tolist(), strict=True))
        seen = [n for n in ids if n in latest]
        _, state = method.step(state, Signals(step.task_ids, step.losses))
        if seen:
            shares = torch.stack([logits[n] for n in seen]).softmax(0)
            gains = torch.tensor([math.log(latest[n]) - math.log(losses[n]) for n in seen], dtype=torch.float64)
            for n, slope in zip(seen, torch.autograd.grad(shares @ gains, [logits[n] for n in seen]), strict=True):
                logits[n].grad = slope
                optimizers[n].step()
        latest |= losses
        torch.testing.assert_close(state.values, torch.stack(logits).detach())


def test_famo_gives_weight_to_the_task_that_does_not_improve() -> None:
    method = FAMO()
    state = method.init(2)
    for losses in ([4.0, 4.0], [4.0, 2.0], [4.0, 1.0]):
        _, state = method.step(state, Signals(torch.arange(2), torch.tensor(losses, dtype=torch.float64)))
    assert state.values[0] > 0 > state.values[1]


def test_a_new_task_has_the_mean_loss_of_the_others_for_famo() -> None:
    method = FAMO()
    _, state = method.step(method.init(3), Signals(torch.arange(2), torch.tensor([1.0, 4.0], dtype=torch.float64)))
    weights = method.weights(state, torch.arange(3))
    torch.testing.assert_close(weights, torch.tensor([4.0, 1.0, 2.0], dtype=torch.float64) / 7)


def test_a_loss_that_is_not_finite_stops_it() -> None:
    method = FAMO()
    signals = Signals(torch.tensor([1]), torch.tensor([math.nan], dtype=torch.float64))
    with pytest.raises(
        DivergedError, match=r"losses must be finite, found \[nan\] for the tasks with ids \[1\]; lower"
    ):
        method.step(method.init(2), signals)
