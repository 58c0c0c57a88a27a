"""Where α ends when only K of N tasks are in a step: what docs/methods/cats.md says of it."""

import pytest
import torch

from catscale.balancing import CATS, Signals
from catscale.balancing.methods.mgda import min_norm_weights

TASKS, STEPS = 4, 1200


def excess_curvature(gramian: torch.Tensor, present: int, seed: int) -> float:
    """κ at the mean α of the second half of a run on random subsets, relative to the least κ, minus 1."""
    method = CATS(
        inner_steps=1, alpha_lr=0.05, multiplier_lr=0, curvature_budget=0, budget_slack=None, alpha_floor=0,
        normalise=False,
    )  # fmt: skip
    state, generator = method.init(TASKS), torch.Generator().manual_seed(seed)
    total = torch.zeros(TASKS, dtype=torch.float64)
    for step in range(STEPS):
        ids = torch.randperm(TASKS, generator=generator)[:present]
        _, state = method.step(state, Signals(ids, torch.zeros(present), gramian[ids][:, ids]))
        total += state.alpha if step >= STEPS // 2 else 0
    alpha, best = total / total.sum(), min_norm_weights(gramian)
    return float((alpha @ gramian @ alpha) / (best @ gramian @ best) - 1)


def gramian_of(seed: int, common: float) -> torch.Tensor:
    """Of gradients in 6 dimensions with a common part, lengths from 0.5 to 2."""
    rows = torch.randn(TASKS, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + common
    rows = rows * 10 ** torch.linspace(-0.3, 0.3, TASKS, dtype=torch.float64)[:, None]
    gramian = rows @ rows.T
    return gramian / gramian.diagonal().mean()


@pytest.mark.parametrize("seed", range(2))
def test_all_tasks_in_every_step_reach_the_least_curvature(seed: int) -> None:
    assert excess_curvature(gramian_of(seed, 0.4), TASKS, seed) < 1e-6


@pytest.mark.parametrize("seed", range(2))
def test_two_of_four_stay_above_it(seed: int) -> None:
    found = excess_curvature(gramian_of(seed, 0.4), 2, seed)
    assert 0.1 < found < 2


def test_orthogonal_gradients_lose_nothing() -> None:
    gramian = torch.diag(torch.tensor([0.25, 0.5, 1.0, 2.25], dtype=torch.float64))
    assert excess_curvature(gramian, 2, 0) < 1e-3
