"""`formulation="implicit"`: the step it takes, against a slow solver that sees gradients, and the point it tends to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from catscale import CATS
from catscale.balancing import Signals
from catscale.balancing.methods.cats_implicit import Curvature, least_curvature, step_weights
from catscale.balancing.methods.cats_state import CATSState
from tests.balancing.methods.adversaries import shown
from tests.balancing.methods.slow_simplex import minimise

N, K = 5, 4
STATISTICS = ["gramian", "products"]


def draw(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def random_state(method: CATS, generator: torch.Generator) -> CATSState:
    alpha = draw(generator, N) + 0.02
    return replace(method.init(N), alpha=alpha / alpha.sum(), curvature_multiplier=3 * draw(generator, 1)[0] + 0.5)


def objective(rows: Tensor, before: Tensor, multiplier: float, rate: float, losses: Tensor) -> Callable:
    """ℓ L·a + λ ‖Σ a_n g_n‖² + ‖a − a₀‖² / (2 η), from the gradients themselves."""
    return lambda a: (
        losses @ a + multiplier * (a[:, None] * rows).sum(0).square().sum() + (a - before).square().sum() / (2 * rate)
    )


def surrogate(rows: Tensor, before: Tensor) -> Callable:
    """The bound that stands in for ‖Σ a_n g_n‖² where only the products are known."""
    combined = (before[:, None] * rows).sum(0)
    s, kappa = rows @ combined, combined.square().sum()
    m = torch.stack([max(abs(s[n]), kappa) / before[n] for n in range(len(before))])
    return lambda a: kappa + 2 * s @ (a - before) + (m * (a - before).square()).sum()


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("loss_term", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_alpha_and_the_multiplier_take_the_step_of_the_docstring(seed: int, loss_term: bool, statistics: Any) -> None:
    generator = torch.Generator().manual_seed(seed)
    method = CATS(
        inner_steps=1, alpha_lr=0.3, multiplier_lr=0.2, curvature_budget=0.4, alpha_floor=0.01, loss_term=loss_term,
        statistics=statistics, normalise=False, budget_slack=None,
    )  # fmt: skip
    before = random_state(method, generator)
    ids = torch.randperm(N, generator=generator)[:K]
    rows = torch.randn(K, 6, generator=generator, dtype=torch.float64)
    losses = draw(generator, K)
    total = before.alpha[ids].sum()
    a = before.alpha[ids] / total
    signals = shown(method.request(before), ids, losses, rows @ rows.T, method.weights(before, ids))
    used, after = method.step(before, signals)
    torch.testing.assert_close(used, a)
    multiplier, shown_losses = before.curvature_multiplier.item(), losses if loss_term else 0 * losses
    if statistics == "gramian":
        wanted = minimise(objective(rows, a, multiplier, 0.3, shown_losses), a, 0.01 / total.item())
        curvature = (wanted[:, None] * rows).sum(0).square().sum()
    else:
        bound = surrogate(rows, a)

        def goal(x: torch.Tensor) -> torch.Tensor:
            return shown_losses @ x + multiplier * bound(x) + (x - a).square().sum() / 0.6

        wanted = minimise(goal, a, 0.01 / total.item())
        curvature = (a[:, None] * rows).sum(0).square().sum()  # the newest that is known
    torch.testing.assert_close(after.alpha[ids], wanted * total, rtol=1e-8, atol=1e-10)
    assert (wanted - a).abs().max() > 0.01
    expected = max(0.0, multiplier + 0.2 * (curvature.item() - 0.4))
    assert after.curvature_multiplier.item() == pytest.approx(expected, rel=1e-8)
    assert after.curvature.item() == pytest.approx((a[:, None] * rows).sum(0).square().sum().item())
    absent = [i for i in range(N) if i not in ids.tolist()]
    assert after.alpha[absent].equal(before.alpha[absent])
    assert not after.simplex_multiplier.any()
    assert not after.floor_multipliers.any()


@pytest.mark.parametrize("seed", range(10))
def test_the_surrogate_is_an_upper_bound_where_no_gradients_conflict(seed: int) -> None:
    """Equal at a₀, nowhere less, for every G ≥ 0; its minimum therefore never raises the curvature."""
    generator = torch.Generator().manual_seed(seed)
    rows = draw(generator, K, 6) * torch.tensor([0.01, 1.0, 3.0, 10.0]).double()[:, None]
    before = draw(generator, K) + 1e-3
    before = before / before.sum()
    bound = surrogate(rows, before)
    for _ in range(50):
        a = draw(generator, K) ** 4
        a = a / a.sum()
        assert bound(a) >= (a[:, None] * rows).sum(0).square().sum() * (1 - 1e-12)
    gramian = rows @ rows.T
    assert bound(before).item() == pytest.approx((before @ gramian @ before).item())
    for multiplier in (0.1, 1e3, 1e12):
        new = step_weights(before, Curvature(None, gramian @ before), torch.tensor(multiplier).double(), 0.1, None, 0.0)
        assert new @ gramian @ new <= before @ gramian @ before


def limit(gramian: Tensor, statistics: Any, floor: float = 1e-9, updates: int = 700) -> Tensor:
    method = CATS(
        inner_steps=1, alpha_lr=0.1, multiplier_lr=0.1, curvature_budget=0.0, alpha_floor=floor, budget_slack=None,
        statistics=statistics,
    )  # fmt: skip
    ids = torch.arange(len(gramian))
    state = method.init(len(gramian))
    for _ in range(updates):
        signals = shown(method.request(state), ids, torch.ones(len(ids)), gramian, method.weights(state, ids))
        state = method.step(state, signals)[1]
    return state.alpha


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize(
    ("a", "b", "c"), [(1.0, 0.0, 1.0), (4.0, 0.0, 1.0), (3.0, -1.0, 2.0), (1.0, 0.5, 2.0), (1.0, 2.0, 9.0)]
)
def test_two_tasks_tend_to_the_min_norm_point(a: float, b: float, c: float, statistics: Any) -> None:
    """Closed form: α_1 = (‖g_2‖² − g_1·g_2) / ‖g_1 − g_2‖², kept within [0, 1]."""
    first = min(1.0, max(0.0, (c - b) / (a + c - 2 * b)))
    found = limit(torch.tensor([[a, b], [b, c]], dtype=torch.float64), statistics)
    assert found.tolist() == pytest.approx([first, 1 - first], abs=1e-3)


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("floor", [1e-6, 0.05])
@pytest.mark.parametrize("seed", range(2))
def test_more_tasks_tend_to_the_min_norm_point_above_the_floor(seed: int, floor: float, statistics: Any) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(5, 8, generator=generator, dtype=torch.float64) + 0.8
    rows[0] *= 3
    wanted = minimise(lambda x: (x[:, None] * rows).sum(0).square().sum(), torch.full((5,), 0.2).double(), floor)
    found = limit(rows @ rows.T, statistics, floor)
    assert found.tolist() == pytest.approx(wanted.tolist(), abs=2e-3)
    assert (found <= floor * 1.01).any()


@pytest.mark.parametrize("seed", range(5))
def test_the_lower_bound_of_the_curvature_is_one(seed: int) -> None:
    """Below the least curvature of the floored simplex wherever it is taken, and equal to it at the minimum."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(4, 5, generator=generator, dtype=torch.float64) + 0.5
    gramian, floor = rows @ rows.T, 0.02
    best = minimise(lambda x: (x[:, None] * rows).sum(0).square().sum(), torch.full((4,), 0.25).double(), floor)
    least = best @ gramian @ best
    for _ in range(30):
        a = draw(generator, 4) ** 3
        a = floor + (1 - 4 * floor) * a / a.sum()
        assert 0 <= least_curvature(gramian @ a, a, floor) <= least * (1 + 1e-9)
    torch.testing.assert_close(least_curvature(gramian @ best, best, floor), least, rtol=1e-6, atol=0)


@pytest.mark.parametrize("statistics", STATISTICS)
def test_a_bound_out_of_reach_does_not_send_the_multiplier_up(statistics: Any) -> None:
    """With a slack the curvature comes to within it of the least; without, λ_c rises for ever."""
    rows = torch.tensor([[3.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 2.0]], dtype=torch.float64)
    gramian, ids = rows @ rows.T, torch.arange(3)
    best = minimise(lambda x: (x[:, None] * rows).sum(0).square().sum(), torch.full((3,), 1 / 3).double(), 1e-3)
    least = (best @ gramian @ best).item()

    def run(slack: float | None) -> tuple[float, list[float]]:
        method = CATS(
            inner_steps=1, alpha_lr=0.1, multiplier_lr=0.1, curvature_budget=0.0, budget_slack=slack,
            statistics=statistics,
        )  # fmt: skip
        state, seen = method.init(3), []
        for _ in range(600):
            signals = shown(method.request(state), ids, torch.ones(3), gramian, method.weights(state, ids))
            state = method.step(state, signals)[1]
            seen.append(state.curvature_multiplier.item())
        return (state.alpha @ gramian @ state.alpha).item(), seen

    curvature, multipliers = run(0.1)
    assert multipliers[-1] <= 1.5
    assert least <= curvature <= 1.12 * least
    curvature, multipliers = run(None)
    assert multipliers[-1] > multipliers[300] > multipliers[0]
    assert curvature == pytest.approx(least, rel=1e-2)


@pytest.mark.parametrize("statistics", STATISTICS)
def test_where_the_bound_is_met_the_multiplier_falls_and_alpha_rests(statistics: Any) -> None:
    gramian = torch.diag(torch.tensor([9.0, 1.0, 1.0], dtype=torch.float64))
    method = CATS(
        inner_steps=1, alpha_lr=0.05, multiplier_lr=0.5, curvature_budget=0.7, statistics=statistics, normalise=False
    )
    state, multipliers = method.init(3), []
    for _ in range(200):
        signals = shown(method.request(state), torch.arange(3), torch.ones(3), gramian, state.alpha)
        before, state = state, method.step(state, signals)[1]
        multipliers.append(state.curvature_multiplier.item())
    assert max(multipliers) > 1
    assert multipliers[-1] == 0
    assert state.alpha @ gramian @ state.alpha < 0.7
    assert state.alpha[0] < 0.2
    torch.testing.assert_close(state.alpha, before.alpha, rtol=1e-14, atol=0)


def test_a_weight_of_zero_neither_stays_for_ever_nor_holds_the_others() -> None:
    """Without a floor, where s_n < κ: α_2 = 0 must come back, and the other two must not wait for it."""
    gramian = torch.diag(torch.tensor([4.0, 1.0, 0.5], dtype=torch.float64))
    method = CATS(
        inner_steps=1, alpha_lr=0.1, alpha_floor=0.0, statistics="products", budget_slack=0.0, curvature_budget=0.0
    )
    state = replace(method.init(3), alpha=torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64))
    for step in range(1500):
        signals = Signals(torch.arange(3), torch.ones(3), products=gramian @ state.alpha)
        state = method.step(state, signals)[1]
        if step == 0:
            assert state.alpha[1] > 0.52
    assert state.alpha.tolist() == pytest.approx([1 / 13, 4 / 13, 8 / 13], abs=0.02)


def test_small_rates_follow_the_flow_of_the_paper() -> None:
    """On the simplex from the start, ∂J/∂α without L and λ_s: the projected flow −2 λ_c G α; both formulations near."""
    gramian = torch.tensor([[2.0, 0.5, 0.1], [0.5, 1.0, 0.0], [0.1, 0.0, 0.3]], dtype=torch.float64)
    method = CATS(inner_steps=1, alpha_lr=1e-3, multiplier_lr=0.0, normalise=False)
    state, alpha = method.init(3), torch.full((3,), 1 / 3, dtype=torch.float64)
    for _ in range(300):
        state = method.step(state, Signals(torch.arange(3), torch.ones(3), gramian))[1]
        force = 2 * gramian @ alpha
        alpha = alpha - 1e-3 * (force - force.mean())
    torch.testing.assert_close(state.alpha, alpha, rtol=2e-3, atol=0)
    assert abs(alpha[0] - 1 / 3) > 0.1
