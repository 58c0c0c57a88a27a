"""The best response against a grid and against its dual, and what the settings do."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.methods.dro import DRO, worst_mixture
from catscale.errors import ConfigError


def draw(seed: int, tasks: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    losses = 5 * torch.rand(tasks, generator=generator, dtype=torch.float64)
    prior = torch.rand(tasks, generator=generator, dtype=torch.float64) + 0.05
    return losses, prior / prior.sum()


def distance(mixture: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
    return 0.5 * (prior * (mixture / prior - 1) ** 2).sum(-1)


@pytest.mark.parametrize("radius", [0.0, 0.01, 0.05, 0.5, 3.0, 100.0])
@pytest.mark.parametrize("tasks", [2, 3])
def test_no_point_of_a_grid_is_worse(tasks: int, radius: float) -> None:
    axis = torch.linspace(0, 1, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(*[axis] * (tasks - 1)).reshape(-1, tasks - 1)
    grid = torch.cat([grid, 1 - grid.sum(1, keepdim=True)], 1)
    grid = grid[grid[:, -1] >= 0]
    for seed in range(10):
        losses, prior = draw(seed, tasks)
        mixture = worst_mixture(losses, prior, radius)
        assert (mixture >= 0).all()
        assert mixture.sum().item() == pytest.approx(1)
        assert distance(mixture, prior) <= radius + 1e-9
        allowed = grid[distance(grid, prior) <= radius]
        if len(allowed):
            assert mixture @ losses >= (allowed @ losses).max() - 1e-9


@pytest.mark.parametrize("radius", [0.01, 0.05, 0.5, 3.0])
@pytest.mark.parametrize("tasks", [2, 3, 8, 40])
def test_the_dual_proves_it_optimal(tasks: int, radius: float) -> None:
    """sup Σ q L = inf over η of  η + √(1 + 2ρ) √(Σ p (L − η)₊²), which no feasible q exceeds at any η."""
    for seed in range(10):
        losses, prior = draw(seed, tasks)
        low, high = losses.min() - 1000, losses.max()
        for _ in range(200):  # ternary search: the bound is convex in η
            left, right = low + (high - low) / 3, high - (high - low) / 3
            values = [
                eta + ((1 + 2 * radius) * (prior * (losses - eta).clamp(min=0) ** 2).sum()).sqrt()
                for eta in (left, right)
            ]
            low, high = (left, high) if values[0] > values[1] else (low, right)
        found = worst_mixture(losses, prior, radius)
        assert (found @ losses).item() == pytest.approx(float(min(values)), abs=1e-7)
        assert distance(found, prior) <= radius + 1e-9


def test_ties_share_the_weight() -> None:
    losses = torch.tensor([1.0, 3.0, 3.0], dtype=torch.float64)
    mixture = worst_mixture(losses, torch.full((3,), 1 / 3, dtype=torch.float64), 100.0)
    torch.testing.assert_close(mixture, torch.tensor([0, 0.5, 0.5], dtype=torch.float64))


def test_equal_losses_and_radius_0_give_the_prior() -> None:
    _, prior = draw(0, 4)
    torch.testing.assert_close(worst_mixture(torch.ones(4, dtype=torch.float64), prior, 1.0), prior)
    torch.testing.assert_close(worst_mixture(draw(1, 4)[0], prior, 0.0), prior)


@pytest.mark.parametrize("floor", [0.2, 0.8])
def test_the_floor_is_part_of_the_problem(floor: float) -> None:
    axis = torch.linspace(0, 1, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    grid = torch.cat([grid, 1 - grid.sum(1, keepdim=True)], 1)
    for seed in range(5):
        losses, prior = draw(seed, 3)
        method = DRO(radius=0.5, floor=floor, prior=prior.tolist())
        _, state = method.step(method.init(3), Signals(torch.arange(3), losses))
        mixture = method.mixture(state)
        assert distance(mixture, prior) <= 0.5 + 1e-9
        assert (mixture >= floor * prior - 1e-12).all()
        allowed = grid[(distance(grid, prior) <= 0.5) & (grid >= floor * prior).all(1)]
        assert mixture @ losses >= (allowed @ losses).max() - 1e-9


def test_running_losses_belong_to_tasks_and_begin_at_the_first_loss() -> None:
    method = DRO(rate=0.25)
    state = method.init(3)
    for ids, losses in (([2, 0], [4.0, 1.0]), ([0], [3.0])):
        _, state = method.step(state, Signals(torch.tensor(ids), torch.tensor(losses, dtype=torch.float64)))
    assert state.running[:1].tolist() == [1.5]
    assert state.running[1].isnan()
    assert state.running[2] == 4.0


def test_weights_are_the_mixture_over_the_present_tasks() -> None:
    method = DRO(radius=0.3, floor=0.1)
    losses = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    before, state = method.step(method.init(3), Signals(torch.arange(3), losses))
    torch.testing.assert_close(before, torch.full((3,), 1 / 3, dtype=torch.float64))
    mixture = method.mixture(state)
    torch.testing.assert_close(method.weights(state, torch.tensor([2, 0])), mixture[[2, 0]] / mixture[[2, 0]].sum())
    assert mixture[2] > mixture[1] > mixture[0]


def test_a_baseline_asks_for_the_excess_loss() -> None:
    method = DRO(baselines={"hard": 3.9}, radius=0.1).bind(["easy", "hard"], [])
    losses = torch.tensor([1.0, 4.0], dtype=torch.float64)
    _, state = method.step(method.init(2), Signals(torch.arange(2), losses))
    mixture = method.mixture(state)
    assert mixture[0] > mixture[1]


def test_a_prior_by_name_takes_the_order_of_the_tasks() -> None:
    method = DRO(prior={"b": 1.0, "a": 3.0}).bind(["a", "b"], [])
    torch.testing.assert_close(method.mixture(method.init(2)), torch.tensor([0.75, 0.25], dtype=torch.float64))


def test_names_and_numbers_must_fit_the_tasks() -> None:
    with pytest.raises(ConfigError, match=r"balancing.prior must name each of the tasks a, b, found a; see b"):
        DRO(prior={"a": 1.0}).bind(["a", "b"], [])
    with pytest.raises(ConfigError, match=r"balancing.baselines must name some of the tasks a, b, found c; see c"):
        DRO(baselines={"c": 1.0}).bind(["a", "b"], [])
    with pytest.raises(ConfigError, match=r"balancing.prior: found 1 numbers for 2 tasks; give one per task"):
        DRO(prior=[1.0]).init(2)
