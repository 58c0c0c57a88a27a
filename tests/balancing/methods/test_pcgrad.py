"""PCGrad against Algorithm 1 on the gradient vectors, and the two-task closed form."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.pcgrad import STRIDE, PCGrad


def literal(rows: torch.Tensor, seed: int) -> torch.Tensor:
    """Algorithm 1 with vectors; the order of the projections is the seed's."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(rows.shape[1], dtype=torch.float64)
    for i in range(len(rows)):
        modified = rows[i].clone()
        for j in torch.randperm(len(rows), generator=generator).tolist():
            if j != i and modified @ rows[j] < 0:
                modified = modified - (modified @ rows[j]) / (rows[j] @ rows[j]) * rows[j]
        total += modified
    return total


@pytest.mark.parametrize("seed", [0, 7])
def test_it_follows_algorithm_1(seed: int) -> None:
    method = PCGrad(seed=seed)
    state = method.init(N)
    for index, step in enumerate(trajectory(seed=seed)):
        gramian = step.gradients @ step.gradients.T
        weights, state = method.step(state, Signals(step.task_ids, step.losses, gramian))
        order = step.task_ids.argsort()
        total = literal(step.gradients[order], seed * STRIDE + index)
        torch.testing.assert_close(weights @ step.gradients, total, rtol=1e-9, atol=1e-9)
    assert state.steps == index + 1


def test_two_tasks_have_a_closed_form() -> None:
    for step in trajectory(size=2):
        gramian = step.gradients @ step.gradients.T
        weights, _ = PCGrad().step(PCGrad().init(2), Signals(step.task_ids, step.losses, gramian))
        conflict = gramian[0, 1].clamp(max=0)
        torch.testing.assert_close(weights, 1 - conflict / gramian.diagonal())


def test_another_step_draws_another_order() -> None:
    rows = trajectory(size=N)[0].gradients
    signals = Signals(torch.arange(N), torch.ones(N), rows @ rows.T)
    method = PCGrad()
    first, state = method.step(method.init(N), signals)
    assert any(not first.equal(method.step(state, signals)[0]) for _ in range(1))
