"""The bargaining solution: its defining equation, its length, closed forms, the authors' steps, and the settings."""

import warnings

import cvxpy
import numpy as np
import pytest
import torch
from scipy.optimize import root

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.nash_mtl import NashMTL, nash_weights
from catscale.errors import ConfigError

SCALES = [1e-6, 1e-3, 1.0, 1e3, 1e6]


def random_rows(seed: int, tasks: int, width: int = 30) -> torch.Tensor:
    return torch.randn(tasks, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weigh(method: NashMTL, rows: torch.Tensor) -> torch.Tensor:
    signals = Signals(torch.arange(len(rows)), torch.ones(len(rows)), rows @ rows.T)
    return method.step(method.init(len(rows)), signals)[0]


@pytest.mark.parametrize("tasks", [1, 2, 5, 8, 20])
@pytest.mark.parametrize("scale", SCALES)
def test_every_task_gains_in_the_same_proportion(tasks: int, scale: float) -> None:
    for seed in range(8):
        rows = scale * random_rows(seed, tasks) * torch.logspace(-3, 3, tasks, dtype=torch.float64)[:, None]
        weights = weigh(NashMTL(max_norm=None, ridge=1e-12), rows)
        assert (weights > 0).all()
        gains = rows @ (weights @ rows)
        torch.testing.assert_close(weights * gains, torch.ones_like(gains), rtol=1e-9, atol=0)


@pytest.mark.parametrize("tasks", range(1, 9))
def test_the_step_has_the_length_of_the_root_of_k(tasks: int) -> None:
    """However long the gradients are; and 1 with the authors' `max_norm`, which only ever shortens it."""
    for scale in SCALES:
        rows = scale * random_rows(tasks, tasks)
        free, limited = weigh(NashMTL(max_norm=None), rows), weigh(NashMTL(), rows)
        assert (free @ rows).norm().item() == pytest.approx(tasks**0.5, rel=1e-5)
        assert (limited @ rows).norm().item() == pytest.approx(1, rel=1e-5)
        torch.testing.assert_close(limited / limited.sum(), free / free.sum())


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e2])
def test_scipy_finds_the_same_root(scale: float) -> None:
    """Of w_n (G w)_n = 1, in log w, from the weights of orthogonal gradients."""
    for seed in range(6):
        rows = scale * random_rows(seed, 2 + seed)
        gramian = (rows @ rows.T).numpy()
        start = -np.log(np.sqrt(np.diag(gramian)))
        found = root(lambda x, g=gramian: x + np.log(np.maximum(g @ np.exp(x), 1e-300)), start, tol=1e-13)
        assert np.abs(found.fun).max() < 1e-9
        weights = weigh(NashMTL(max_norm=None, ridge=1e-12), rows)
        np.testing.assert_allclose(weights.numpy(), np.exp(found.x), rtol=1e-7)


def authors_weights(gramian: np.ndarray, rounds: int) -> np.ndarray:
    """The convex-concave steps of the paper's Section 3.2, slowly: G and the constraint divided and multiplied by ‖G‖.

    minimise Σ (Ĝ w)_n + φ̃(w) / ‖G‖   subject to  log(w_n ‖G‖) + log (Ĝ w)_n ≥ 0,   Ĝ = G / ‖G‖,
    φ̃ the linearisation of φ(w) = Σ log w_n + log (Ĝ w)_n at the previous w.
    """
    norm = np.linalg.norm(gramian)
    scaled = gramian / norm
    weights = 1 / np.sqrt(np.diag(gramian))
    for _ in range(rounds):
        w = cvxpy.Variable(len(gramian), pos=True)
        slope = 1 / weights + scaled.T @ (1 / (scaled @ weights))
        above = cvxpy.log(w) + np.log(norm) + cvxpy.log(scaled @ w) >= 0
        cost = cvxpy.sum(scaled @ w) + slope @ (w - weights) / norm
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cvxpy.Problem(cvxpy.Minimize(cost), [above]).solve(cvxpy.CLARABEL)
        weights = w.value
    return weights


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_the_authors_steps_lead_there(scale: float) -> None:
    for seed in range(2):
        rows = scale * random_rows(seed, 3, 10)
        theirs = torch.from_numpy(authors_weights((rows @ rows.T).numpy(), 12))
        ours = weigh(NashMTL(max_norm=None), rows)
        assert (theirs @ rows).norm().item() == pytest.approx(3**0.5, rel=1e-3)
        torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0)


def test_two_tasks_have_a_closed_form() -> None:
    for step in trajectory(size=2):
        gramian = step.gradients @ step.gradients.T
        norms = gramian.diagonal().sqrt()
        cosine = gramian[0, 1] / norms.prod()
        torch.testing.assert_close(nash_weights(gramian, ridge=1e-13), (1 + cosine) ** -0.5 / norms)


def test_dependent_gradients_have_the_length_too() -> None:
    """Repeated, and more tasks than dimensions: G is singular and a common ascent exists."""
    rows = random_rows(0, 6, 3).abs()
    rows[1] = rows[0]
    assert (weigh(NashMTL(max_norm=None), rows) @ rows).norm().item() == pytest.approx(6**0.5, rel=1e-4)


def test_a_long_step_is_shortened() -> None:
    rows = random_rows(0, 4, 9)
    limited = weigh(NashMTL(max_norm=0.5), rows)
    assert (limited @ rows).norm().item() == pytest.approx(0.5)
    free = weigh(NashMTL(max_norm=None), rows)
    torch.testing.assert_close(limited / limited.sum(), free / free.sum())


def test_a_task_that_was_never_measured_has_the_mean_weight() -> None:
    """Not 1, which means nothing beside weights that are inverse to the gradients' lengths."""
    method = NashMTL(interval=2, max_norm=None)
    rows = 1e-3 * random_rows(0, 2)
    measured, state = method.step(method.init(3), Signals(torch.tensor([0, 2]), torch.ones(2), rows @ rows.T))
    found = method.weights(state, torch.tensor([0, 1, 2]))
    torch.testing.assert_close(found, torch.stack([measured[0], measured.mean(), measured[1]]))


def test_a_step_without_any_gradient_is_not_remembered() -> None:
    method = NashMTL(interval=2)
    _, state = method.step(method.init(2), Signals(torch.arange(2), torch.ones(2), torch.zeros(2, 2)))
    assert state.values.isnan().all()
    assert method.weights(state, torch.arange(2)).tolist() == [1.0, 1.0]


def test_weights_are_kept_for_the_interval_and_belong_to_tasks() -> None:
    method = NashMTL(interval=3)
    state = method.init(N)
    kinds = []
    for step in trajectory():
        measured = method.request(state).kind == "gramian"
        kinds.append(measured)
        known = method.weights(state, step.task_ids)
        gramian = step.gradients @ step.gradients.T if measured else None
        before = state.values
        weights, state = method.step(state, Signals(step.task_ids, step.losses, gramian))
        if measured:
            assert known is None
            assert state.values[step.task_ids].equal(weights)
        else:
            assert weights.equal(known)
            assert state.values.equal(before)
    assert kinds[:6] == [True, False, False] * 2


def test_opposed_gradients_have_bounded_weights() -> None:
    gramian = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    weights = nash_weights(gramian, ridge=1e-6)
    assert (weights <= 1.0001e3).all()


def test_groups_know_no_interval() -> None:
    with pytest.raises(ConfigError, match=r"interval must be 1 with granularity: groups, found 2"):
        NashMTL(granularity="groups", interval=2)
