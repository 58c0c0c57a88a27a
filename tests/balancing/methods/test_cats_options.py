"""Each option of `formulation="implicit"`, and what all of them promise."""

from typing import Any

import pytest
import torch
from torch import Tensor

from catscale import CATS
from catscale.balancing import Signals
from catscale.balancing.methods.cats_implicit import nearest_semidefinite
from catscale.balancing.methods.cats_state import CATSState
from catscale.errors import ConfigError
from tests.balancing.methods.adversaries import noisy_diagonal, shown

N = 5
STATISTICS: list[Any] = ["gramian", "products"]
Step = tuple[Tensor, Tensor, Tensor]
"""Task ids, losses, gradients."""


def steps(count: int, seed: int = 0, scale: float = 1.0) -> list[Step]:
    """Changing subsets of the tasks, 6 columns."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        size = int(torch.randint(1, N + 1, (), generator=generator))
        ids = torch.randperm(N, generator=generator)[:size]
        rows = (torch.randn(size, 6, generator=generator, dtype=torch.float64) + 0.5) * (1 + ids[:, None])
        found.append((ids, 3 * torch.rand(size, generator=generator, dtype=torch.float64), scale * rows))
    return found


def follow(method: CATS, given: list[Step], state: CATSState | None = None) -> list[CATSState]:
    """The states after every step."""
    state, found = method.init(N) if state is None else state, []
    for ids, losses, rows in given:
        signals = shown(method.request(state), ids, losses, rows @ rows.T, method.weights(state, ids))
        state = method.step(state, signals)[1]
        found.append(state)
    return found


def assert_same_path(one: list[CATSState], two: list[CATSState], rtol: float = 1e-9) -> None:
    for a, b in zip(one, two, strict=True):
        torch.testing.assert_close(a.alpha, b.alpha, rtol=rtol, atol=1e-13)
        torch.testing.assert_close(a.curvature_multiplier, b.curvature_multiplier, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("options", [{}, {"smoothing": 0.9}, {"simplex": "all"}], ids=str)
@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_normalised_the_scale_of_the_gradients_is_nothing(scale: float, statistics: Any, options: dict) -> None:
    method = CATS(inner_steps=1, alpha_lr=0.2, multiplier_lr=0.2, statistics=statistics, **options)
    plain = follow(method, steps(40))
    assert_same_path(plain, follow(method, steps(40, scale=scale)))
    bare = method.model_copy(update={"normalise": False})
    one, two = follow(bare, steps(4)), follow(bare, steps(4, scale=scale))
    assert (one[-1].alpha - two[-1].alpha).abs().max() > 1e-3


def test_the_unit_is_the_mean_squared_norm() -> None:
    """Normalised steps are those of G / mean ‖g_n‖², and of s / Σ|s_n|."""
    ids, losses, rows = torch.tensor([3, 0, 4]), torch.ones(3), torch.eye(3, dtype=torch.float64) + 0.2
    rows[0] -= 2 * rows[1]  # a product is negative
    gramian = rows @ rows.T
    assert gramian.sum(1).min() < 0
    for statistics in STATISTICS:
        method = CATS(inner_steps=1, alpha_lr=0.2, statistics=statistics)
        state = method.init(N)
        weights = method.weights(state, ids)
        unit = gramian.diagonal().mean() if statistics == "gramian" else (gramian @ weights).abs().sum()
        _, one = method.step(state, shown(method.request(state), ids, losses, gramian, weights))
        bare = method.model_copy(update={"normalise": False})
        _, two = bare.step(state, shown(method.request(state), ids, losses, gramian / unit, weights))
        assert_same_path([one], [two])


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("smoothing", [0.0, 0.8])
@pytest.mark.parametrize("losses", ["tasks", "tokens"])
def test_all_and_present_move_alpha_alike(statistics: Any, smoothing: float, losses: str) -> None:
    """The products differ, for the parameters step along another combination; what they say of α does not."""
    method = CATS(inner_steps=1, alpha_lr=0.2, multiplier_lr=0.2, statistics=statistics, smoothing=smoothing)
    other = method.model_copy(update={"simplex": "all", "losses": losses})
    one, two = follow(method, steps(60)), follow(other, steps(60))
    assert_same_path(one, two)
    factor = method.model_copy(update={"losses": losses})
    assert_same_path(one, follow(factor, steps(60)))
    torch.testing.assert_close(one[-1].curvature, two[-1].curvature)
    state = one[-1]
    ids = torch.tensor([4, 1])
    alpha = state.alpha[ids]
    count, whole = (2, N) if losses == "tokens" else (1, 1)
    torch.testing.assert_close(factor.weights(state, ids), alpha / alpha.sum() * count)
    torch.testing.assert_close(other.weights(state, ids), alpha * N / 2 * count)
    torch.testing.assert_close(other.weights(state, torch.arange(N)).sum().item(), float(whole))


def test_over_shares_of_tokens_alpha_is_a_factor_on_the_mixture() -> None:
    for simplex in ("present", "all"):
        method = CATS(losses="tokens", simplex=simplex)
        assert method.weights(method.init(N), torch.tensor([3, 0])).tolist() == [1, 1]


@pytest.mark.parametrize("statistics", STATISTICS)
def test_smoothing_against_a_transcription(statistics: Any) -> None:
    """Averages by name of task; a task or a pair that is seen for the first time begins with what it shows."""
    beta = 0.7
    method = CATS(inner_steps=1, alpha_lr=0.2, multiplier_lr=0.2, smoothing=beta, statistics=statistics)
    single = method.model_copy(update={"smoothing": 0.0})
    state = method.init(N)
    mean: dict[tuple[int, ...], float] = {}
    first_seen: dict[tuple[int, ...], int] = {}
    for number, (ids, losses, rows) in enumerate(steps(40, seed=3)):
        gramian, weights = rows @ rows.T, method.weights(state, ids)
        names = ids.tolist()
        found = gramian if statistics == "gramian" else gramian @ weights
        keys = [(i, j) for i in names for j in names] if statistics == "gramian" else [(i,) for i in names]
        for key, value in zip(keys, found.flatten().tolist(), strict=True):
            first_seen.setdefault(key, number)
            mean[key] = beta * mean[key] + (1 - beta) * value if key in mean else value
        averaged = torch.tensor([mean[key] for key in keys], dtype=torch.float64).view_as(found)
        bare = CATSState(**{**vars(state), "statistics": torch.empty(0)})
        if statistics == "gramian":
            wanted = single.step(bare, Signals(ids, losses, nearest_semidefinite(averaged)))[1]
        else:
            wanted = single.step(bare, Signals(ids, losses, products=averaged))[1]
        state = method.step(state, shown(method.request(state), ids, losses, gramian, weights))[1]
        assert_same_path([state], [wanted])
        for key, value in mean.items():
            assert state.statistics[key].item() == pytest.approx(value, rel=1e-12)
        assert state.statistics.isnan().sum() == state.statistics.numel() - len(mean)
    assert len(set(first_seen.values())) > 1


def test_the_nearest_semidefinite_matrix() -> None:
    """P ≥ 0, ⟨M − P, P⟩ = 0 and ⟨M − P, Q⟩ ≤ 0 for every Q ≥ 0: the conditions of the projection on a cone."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        matrix = torch.randn(5, 5, generator=generator, dtype=torch.float64)
        matrix = matrix + matrix.T
        found = nearest_semidefinite(matrix)
        rest = matrix - found
        assert torch.linalg.eigvalsh(found).min() > -1e-12
        assert abs((rest * found).sum()) < 1e-10
        for _ in range(10):
            rows = torch.randn(5, 5, generator=generator, dtype=torch.float64)
            assert (rest * (rows @ rows.T)).sum() <= 1e-10
        torch.testing.assert_close(nearest_semidefinite(found), found, rtol=1e-10, atol=1e-12)


def test_unbiased_asks_for_halves_and_takes_what_they_give() -> None:
    """An indefinite matrix is replaced by its nearest neighbour."""
    method = CATS(inner_steps=2, alpha_lr=0.2, unbiased=True)
    state = method.init(N)
    assert method.request(state).kind == "nothing"
    generator = torch.Generator().manual_seed(4)
    ids, losses, rows = torch.arange(N), torch.ones(N), torch.randn(N, 9, generator=generator, dtype=torch.float64)
    state = method.step(state, Signals(ids, losses))[1]
    request = method.request(state)
    assert (request.kind, request.halves) == ("gramian", True)
    noisy = shown(request, ids, losses, rows @ rows.T, method.weights(state, ids), noisy_diagonal(rows, generator))
    assert torch.linalg.eigvalsh(noisy.gramian).min() < 0
    biased = method.model_copy(update={"unbiased": False})
    wanted = biased.step(state, Signals(ids, losses, nearest_semidefinite(noisy.gramian)))[1]
    found = method.step(state, noisy)[1]
    assert_same_path([found], [wanted])
    assert method.model_copy(update={"statistics": "products"}).request(state).halves


@pytest.mark.parametrize("statistics", STATISTICS)
def test_the_loss_term_moves_weight_to_the_lowest_loss(statistics: Any) -> None:
    given = [(torch.arange(3), torch.tensor([2.0, 1.0, 3.0]).double(), torch.zeros(3, 4).double())] * 5
    method = CATS(inner_steps=1, alpha_lr=0.01, statistics=statistics)
    alpha = follow(method, given)[-1].alpha[:3]
    assert alpha.tolist() == pytest.approx([1 / N] * 3, rel=1e-12)
    alpha = follow(method.model_copy(update={"loss_term": True}), given)[-1].alpha[:3]
    # five steps of −η (L − mean L), of a that sums to 1
    wanted = 1 / 3 - 5 * 0.01 * torch.tensor([0.0, -1.0, 1.0]).double()
    torch.testing.assert_close(alpha / alpha.sum(), wanted)


def test_rest_until_start_step_then_once_in_inner_steps() -> None:
    method = CATS(inner_steps=3, start_step=7, alpha_lr=0.2)
    state, asked = method.init(N), []
    for number, (ids, losses, rows) in enumerate(steps(20)):
        before = state
        asked += [number] if method.request(state).kind != "nothing" else []
        signals = shown(method.request(state), ids, losses, rows @ rows.T, method.weights(state, ids))
        state = method.step(state, signals)[1]
        assert state.steps == number + 1
        moved = not state.curvature_multiplier.equal(before.curvature_multiplier)
        assert moved is (number in asked)
    assert asked == [8, 11, 14, 17]


@pytest.mark.parametrize("formulation", ["paper", "implicit"])
def test_the_first_multiplier(formulation: Any) -> None:
    """The paper's 0 there, 1 here; without it the curvature moves nothing until λ_c has risen."""
    assert CATS(formulation=formulation).init(3).curvature_multiplier == (0 if formulation == "paper" else 1)
    assert CATS(formulation=formulation, multiplier_init=2.5).init(3).curvature_multiplier == 2.5
    method = CATS(multiplier_init=0.0, inner_steps=1, alpha_lr=0.2)
    one, two = follow(method, steps(6)[1:3])
    assert one.alpha.tolist() == pytest.approx([1 / N] * N, rel=1e-12)
    assert one.curvature_multiplier > 0
    assert (two.alpha - 1 / N).abs().max() > 1e-4


def test_the_first_weights_are_exact() -> None:
    assert CATS(formulation="paper", alpha_init=0.3).init(3).alpha.tolist() == [0.3] * 3
    assert CATS(alpha_init=0.3).init(3).alpha.tolist() == [1 / 3] * 3


@pytest.mark.parametrize("statistics", STATISTICS)
def test_tasks_that_have_no_weight_left_are_weighted_equally_and_get_none(statistics: Any) -> None:
    method = CATS(alpha_floor=0.0, inner_steps=1, statistics=statistics)
    state = CATSState(**{**vars(method.init(3)), "alpha": torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)})
    ids = torch.tensor([0, 2])
    assert method.weights(state, ids).tolist() == [0.5, 0.5]
    assert method.weights(state, torch.tensor([0, 1])).tolist() == [0.0, 1.0]
    signals = shown(method.request(state), ids, torch.ones(2), torch.eye(2).double(), method.weights(state, ids))
    weights, after = method.step(state, signals)
    assert weights.tolist() == [0.5, 0.5]
    assert after.alpha.tolist() == [0.0, 1.0, 0.0]
    assert after.steps == 1


def test_options_of_the_other_formulation_are_refused() -> None:
    for option in ({"smoothing": 0.5}, {"unbiased": True}, {"metric": "adam"}):
        with pytest.raises(ConfigError, match="are no part of Algorithm 1"):
            CATS(formulation="paper", **option).init(3)


def test_without_what_it_asked_for_it_says_so() -> None:
    method = CATS(inner_steps=1)
    with pytest.raises(ConfigError, match="needs the products or the Gram matrix"):
        method.step(method.init(2), Signals(torch.arange(2), torch.ones(2)))
