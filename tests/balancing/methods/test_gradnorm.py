"""GradNorm against Eq. 2 by autograd, one task after another, and its promises."""

import math

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.gradnorm import GradNorm
from catscale.errors import DivergedError


class Literal:
    """Algorithm 1 with plain numbers by task; the gradient of L_grad by autograd."""

    def __init__(self, gamma: float, rate: float, floor: float) -> None:
        self.gamma, self.rate, self.floor = gamma, rate, floor
        self.w = dict.fromkeys(range(N), 1.0)
        self.first: dict[int, float] = {}
        self.floored = False

    def step(self, losses: dict[int, float], gradients: dict[int, torch.Tensor]) -> None:
        for task, loss in losses.items():
            self.first.setdefault(task, loss)
        w = {task: torch.tensor(self.w[task], dtype=torch.float64, requires_grad=True) for task in losses}
        norms = {task: (w[task] * gradients[task]).norm() for task in losses}
        mean = sum(norms.values()).detach() / len(norms)
        progress = {task: losses[task] / self.first[task] for task in losses}
        average = sum(progress.values()) / len(progress)
        total = sum(abs(norms[n] - (mean * (progress[n] / average) ** self.gamma)) for n in losses) / mean
        total.backward()
        before = sum(self.w[task] for task in losses)
        moved = {n: max(self.floor, self.w[n] - self.rate * w[n].grad.item()) for n in losses}
        self.floored |= self.floor in moved.values()
        for task, value in moved.items():
            self.w[task] = value * before / sum(moved.values())


@pytest.mark.parametrize(("gamma", "rate", "floor"), [(1.5, 0.025, 1e-3), (0.0, 0.1, 0.9), (0.12, 0.5, 0.2)])
def test_the_weights_follow_the_paper(gamma: float, rate: float, floor: float) -> None:
    method = GradNorm(gamma=gamma, weight_lr=rate, weight_floor=floor)
    literal, state = Literal(gamma, rate, floor), method.init(N)
    for step in [s for seed in range(4) for s in trajectory(seed=seed)]:
        ids = step.task_ids.tolist()
        expected = [literal.w[n] for n in ids]
        signals = Signals(step.task_ids, step.losses, norms=step.gradients.norm(dim=1))
        weights, state = method.step(state, signals)
        torch.testing.assert_close(weights, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-12)
        literal.step(
            dict(zip(ids, step.losses.tolist(), strict=True)), dict(zip(ids, list(step.gradients), strict=True))
        )
        torch.testing.assert_close(
            state.values, torch.tensor(list(literal.w.values()), dtype=torch.float64), rtol=1e-9, atol=1e-12
        )
        assert state.values.sum().item() == pytest.approx(N)
    assert literal.floored is (floor > 0.01)  # the trajectory is no easy one


def test_with_gamma_0_the_weighted_norms_become_equal() -> None:
    method = GradNorm(gamma=0, weight_lr=1e-3)
    state = method.init(3)
    norms = torch.tensor([1.0, 3.0, 0.5], dtype=torch.float64)
    for _ in range(5000):
        _, state = method.step(state, Signals(torch.arange(3), torch.ones(3, dtype=torch.float64), norms=norms))
    weighted = state.values * norms
    torch.testing.assert_close(weighted, weighted.mean().expand(3), rtol=0.02, atol=0)


def test_a_task_that_lags_behind_gains_weight() -> None:
    method = GradNorm()
    state = method.init(2)
    for losses in ([4.0, 4.0], [4.0, 1.0]):
        signals = Signals(torch.arange(2), torch.tensor(losses, dtype=torch.float64), norms=torch.ones(2))
        _, state = method.step(state, signals)
    assert state.values[0] > 1 > state.values[1]


def test_the_scale_of_the_gradients_does_not_matter() -> None:
    found = []
    for scale in (1e-15, 1.0, 1e15):
        method = GradNorm()
        state = method.init(N)
        for step in trajectory():
            norms = step.gradients.norm(dim=1) * scale
            _, state = method.step(state, Signals(step.task_ids, step.losses, norms=norms))
        found.append(state.values)
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=0)
    torch.testing.assert_close(found[2], found[1], rtol=1e-9, atol=0)


def test_norms_are_measured_once_in_interval_steps_over_the_named_group() -> None:
    method = GradNorm(interval=3, group="decoder")
    state = method.init(2)
    kinds = []
    for _ in range(6):
        request = method.request(state)
        kinds.append(request.kind)
        assert request.group == ("decoder" if request.kind == "norms" else None)
        norms = torch.tensor([1.0, 2.0]) if request.kind == "norms" else None
        before = state.values
        _, state = method.step(state, Signals(torch.arange(2), torch.ones(2, dtype=torch.float64), norms=norms))
        assert before.equal(state.values) is (request.kind == "nothing")
    assert kinds == ["nothing", "nothing", "norms"] * 2


@pytest.mark.parametrize(("loss", "norm"), [(math.nan, 1.0), (1.0, math.inf)])
def test_what_is_not_finite_stops_it(loss: float, norm: float) -> None:
    method = GradNorm()
    signals = Signals(torch.tensor([1]), torch.tensor([loss]), norms=torch.tensor([norm]))
    with pytest.raises(DivergedError, match=r"must be finite, found .* ids \[1\] at step 1; lower"):
        method.step(method.init(2), signals)
