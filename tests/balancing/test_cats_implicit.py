"""`formulation="implicit"`: the equation it solves, the domain it keeps, the point it tends to."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transcription import Rates, lagrangian

from catscale import CATS
from catscale.balancing import Signals
from catscale.balancing.cats import CATSState, _minimise_above


def random_state(generator: torch.Generator, size: int) -> CATSState:
    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    state = CATS(alpha_floor=0.0).init(size)
    return replace(
        state,
        alpha=draw(size) * 2,
        floor_multipliers=draw(size),
        curvature_multiplier=draw(1)[0] * 3,
        simplex_multiplier=draw(1)[0] * 2,
    )


@pytest.mark.parametrize("loss_term", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_alpha_solves_the_backward_euler_equation(seed: int, loss_term: bool) -> None:
    """(α' − α) / η_α = −∂J/∂α at α' where no floor binds, and J grows into the domain where one does."""
    generator = torch.Generator().manual_seed(seed)
    rates = Rates(m=1, eta_alpha=0.3, eta_lambda=0.2, eps_c=0.4, eps_f=0.01)
    method = CATS(
        inner_steps=1, alpha_lr=0.3, multiplier_lr=0.2, curvature_budget=0.4, alpha_floor=0.01, loss_term=loss_term
    )
    before = random_state(generator, 5)
    ids = torch.randperm(5, generator=generator)[:4]
    rows = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    losses = torch.rand(4, generator=generator, dtype=torch.float64)
    _, after = method.step(before, Signals(ids, losses, rows @ rows.T))
    leaves = [after.alpha[ids], before.curvature_multiplier, before.simplex_multiplier, before.floor_multipliers[ids]]
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    value = lagrangian(*leaves, losses if loss_term else torch.zeros(4), rows, rates)
    by_alpha, by_c, by_s, by_n = torch.autograd.grad(value, leaves)
    residual = (after.alpha[ids] - before.alpha[ids]) / 0.3 + by_alpha
    held = after.alpha[ids] == 0.01
    assert residual[~held].abs().max() < 1e-11
    assert (residual[held] >= 0).all()
    ascended = {
        "curvature_multiplier": before.curvature_multiplier + 0.2 * by_c,
        "simplex_multiplier": before.simplex_multiplier + 0.2 * by_s,
    }
    for name, wanted in ascended.items():
        torch.testing.assert_close(getattr(after, name), wanted.clamp(min=0), rtol=1e-11, atol=0)
    wanted = (before.floor_multipliers[ids] + 0.2 * by_n).clamp(min=0)
    torch.testing.assert_close(after.floor_multipliers[ids], wanted, rtol=1e-11, atol=1e-15)
    absent = [i for i in range(5) if i not in ids.tolist()]
    assert after.alpha[absent].equal(before.alpha[absent])


@pytest.mark.parametrize("seed", range(6))
def test_the_bounded_minimum_is_the_one_that_enumeration_finds(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(40):
        size = int(torch.randint(1, 7, (), generator=generator))
        rows = torch.randn(size, size + 1, generator=generator, dtype=torch.float64)
        matrix = torch.eye(size, dtype=torch.float64) + 30 * rows @ rows.T
        right = 10 * torch.randn(size, generator=generator, dtype=torch.float64)
        best = min(
            (candidate for candidate in candidates(matrix, right, 0.02) if (candidate >= 0.02 - 1e-12).all()),
            key=lambda x: (x @ matrix @ x / 2 - right @ x).item(),
        )
        torch.testing.assert_close(_minimise_above(matrix, right, 0.02), best, rtol=1e-8, atol=1e-10)


def candidates(matrix: Tensor, right: Tensor, bound: float) -> list[Tensor]:
    """The minimum over every face of the domain."""
    size, found = len(right), []
    for held in itertools.product([False, True], repeat=size):
        free = ~torch.tensor(held)
        x = torch.full_like(right, bound)
        x[free] = torch.linalg.solve(matrix[free][:, free], right[free] - matrix[free][:, ~free] @ x[~free])
        found.append(x)
    return found


def adversarial(kind: str, step: int, size: int, generator: torch.Generator) -> Tensor:
    """(K, D) gradients."""
    rows = torch.randn(size, 9, generator=generator, dtype=torch.float64)
    if kind == "random":
        return rows
    if kind == "scales":
        return rows * 10 ** (torch.rand(size, 1, generator=generator, dtype=torch.float64) * 30 - 15)
    if kind == "huge":
        return rows * 1e15
    if kind == "tiny":
        return rows * 1e-15
    if kind == "rank one, huge":
        return rows[:1].expand(size, 9) * 1e15
    if kind == "rank one":
        return rows[:1] * torch.linspace(-2, 3, size, dtype=torch.float64)[:, None]
    if kind == "zero":
        return rows * 0
    if kind == "one zero":
        return rows * torch.tensor([0.0] + [1.0] * (size - 1), dtype=torch.float64)[:, None]
    if kind == "opposed":
        return torch.cat([rows[: size - 1], -rows[: size - 1].sum(0, keepdim=True)])
    return rows * (1e15 if step % 2 else 1e-15)  # alternating


KINDS = ["random", "scales", "huge", "tiny", "rank one, huge", "rank one", "zero", "one zero", "opposed", "alternating"]


@pytest.mark.parametrize("loss_term", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_it_never_leaves_its_domain(kind: str, loss_term: bool) -> None:
    """10,000 updates over the kinds; task 3 is present in one step of a hundred."""
    generator = torch.Generator().manual_seed(KINDS.index(kind))
    method = CATS(inner_steps=1, alpha_lr=0.3, multiplier_lr=0.5, loss_term=loss_term)
    state = method.init(4)
    for step in range(500):
        size = 4 if step % 100 == 7 else 1 + step % 3
        ids = torch.arange(4) if size == 4 else torch.randperm(3, generator=generator)[:size]
        rows = adversarial(kind, step, size, generator)
        losses = 10 * torch.rand(size, generator=generator, dtype=torch.float64)
        weights, state = method.step(state, Signals(ids, losses, rows @ rows.T))
        assert weights.isfinite().all()
        assert (weights >= 0).all()
        assert weights.sum().item() == pytest.approx(1, abs=1e-12)
        assert state.alpha.isfinite().all()
        assert (state.alpha >= method.alpha_floor).all()
        assert state.alpha.sum() < 1e3
        for multiplier in (state.curvature_multiplier, state.simplex_multiplier, *state.floor_multipliers):
            assert multiplier.isfinite()
            assert multiplier >= 0


def test_present_tasks_of_weight_zero_are_weighted_equally() -> None:
    method = CATS(alpha_floor=0.0)
    state = replace(method.init(3), alpha=torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64))
    assert method.weights(state, torch.tensor([0, 2])).tolist() == [0.5, 0.5]
    assert method.weights(state, torch.tensor([0, 1])).tolist() == [0.0, 1.0]


def limit(gramian: Tensor, rate: float = 0.1, updates: int = 600) -> Tensor:
    method = CATS(inner_steps=1, alpha_lr=rate, multiplier_lr=0.1, curvature_budget=0.0, alpha_floor=1e-9)
    state = method.init(len(gramian))
    for _ in range(updates):
        _, state = method.step(state, Signals(torch.arange(len(gramian)), torch.ones(len(gramian)), gramian))
    return method.weights(state, torch.arange(len(gramian)))


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [(1.0, 0.0, 1.0), (4.0, 0.0, 1.0), (3.0, -1.0, 2.0), (1.0, 0.5, 2.0), (1.0, 2.0, 9.0), (100.0, 3.0, 0.5)],
)
def test_two_tasks_tend_to_the_min_norm_point(a: float, b: float, c: float) -> None:
    """Closed form: α_1 = (‖g_2‖² − g_1·g_2) / ‖g_1 − g_2‖², kept within [0, 1]."""
    first = min(1.0, max(0.0, (c - b) / (a + c - 2 * b)))
    found = limit(torch.tensor([[a, b], [b, c]], dtype=torch.float64))
    assert found.tolist() == pytest.approx([first, 1 - first], abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_more_tasks_meet_the_conditions_of_the_min_norm_point(seed: int) -> None:
    """(Gα)_n ≥ αᵀGα for every task, with equality where α_n > 0; some tasks end at weight 0."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(5, 8, generator=generator, dtype=torch.float64) + 0.8
    rows[0] *= 3
    gramian = rows @ rows.T
    alpha = limit(gramian)
    products, curvature = gramian @ alpha, alpha @ gramian @ alpha
    assert alpha.sum().item() == pytest.approx(1)
    assert (products >= curvature * (1 - 1e-3)).all()
    assert (products - curvature)[alpha > 1e-4].abs().max() < 1e-3 * curvature
    assert (alpha < 1e-6).any()


def test_relabelling_tasks_relabels_the_trajectory() -> None:
    generator = torch.Generator().manual_seed(3)
    order = torch.tensor([2, 0, 3, 1])
    method = CATS(inner_steps=1, loss_term=True)
    one, two = method.init(4), method.init(4)
    for _ in range(50):
        rows = torch.randn(4, 6, generator=generator, dtype=torch.float64)
        losses = torch.rand(4, generator=generator, dtype=torch.float64)
        _, one = method.step(one, Signals(torch.arange(4), losses, rows @ rows.T))
        _, two = method.step(two, Signals(torch.arange(4), losses[order], (rows @ rows.T)[order][:, order]))
    torch.testing.assert_close(two.alpha, one.alpha[order], rtol=1e-10, atol=1e-13)


def test_small_rates_follow_the_paper_without_its_explosion() -> None:
    """With a small rate both formulations are the same flow; with a large one only the implicit one stays."""
    gramian = torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    signals = Signals(torch.arange(2), torch.tensor([2.0, 1.0], dtype=torch.float64), gramian)

    def run(formulation: str, rate: float, updates: int) -> CATSState:
        method = CATS(
            formulation=formulation,
            inner_steps=1,
            alpha_init=1.0,
            alpha_lr=rate,
            multiplier_lr=rate,
            loss_term=True,
            alpha_floor=0.0,
        )
        state = method.init(2)
        for _ in range(updates):
            _, state = method.step(state, signals)
        return state

    one, two = run("paper", 1e-3, 400), run("implicit", 1e-3, 400)
    torch.testing.assert_close(one.alpha, two.alpha, rtol=1e-2, atol=0)
    torch.testing.assert_close(one.curvature_multiplier, two.curvature_multiplier, rtol=1e-2, atol=0)
    assert run("implicit", 10.0, 300).alpha.isfinite().all()
