"""MoDo: TorchJD's weighting where all tasks are present, by hand where not, and MGDA's point at rest."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.mgda import min_norm_weights
from catscale.balancing.methods.modo import MoDo
from catscale.balancing.methods.torchjd_weighting import torchjd_weighting


def test_it_agrees_with_torchjd_one_step_later() -> None:
    method = MoDo(step_size=0.3, regulariser=0.2)
    theirs = torchjd_weighting("MoDoWeighting", gamma=0.3, rho=0.2)
    state = method.init(N)
    for step in trajectory(size=N):
        gramian = step.gradients @ step.gradients.T
        _, state = method.step(state, Signals(torch.arange(N), step.losses, gramian))
        expected = theirs(gramian / gramian.diagonal().sqrt().mean() ** 2)
        torch.testing.assert_close(method.weights(state, torch.arange(N)), expected)


def test_by_hand_whichever_tasks_are_present() -> None:
    method = MoDo(step_size=0.2, regulariser=0.1)
    state = method.init(N)
    values = [1 / N] * N
    for step in trajectory():
        ids = step.task_ids.tolist()
        gramian = step.gradients @ step.gradients.T
        _, state = method.step(state, Signals(step.task_ids, step.losses, gramian))
        total = sum(values[n] for n in ids)
        length = sum(float(row.norm()) for row in step.gradients) / len(ids)
        shares = [values[n] / total for n in ids]
        moved = []
        for i, share in enumerate(shares):
            product = sum(
                float(step.gradients[i] @ row) * other for row, other in zip(step.gradients, shares, strict=True)
            )
            moved.append(share - 0.2 * (product / length**2 + 0.1 * share))
        low, high = min(moved) - 1, max(moved)  # the level of the projection, by bisection
        for _ in range(80):
            level = (low + high) / 2
            low, high = (level, high) if sum(max(0.0, m - level) for m in moved) > 1 else (low, level)
        for n, value in zip(ids, moved, strict=True):
            values[n] = max(0.0, value - level) * total
        torch.testing.assert_close(state.values, torch.tensor(values, dtype=torch.float64))


def test_on_one_gramian_it_ends_at_the_min_norm_point() -> None:
    rows = torch.tensor([[2.0, 0.5, 0.0], [-0.3, 1.0, 0.4], [0.5, -0.2, 0.8]], dtype=torch.float64)
    gramian = rows @ rows.T
    method = MoDo(step_size=0.3, regulariser=0.0)
    state = method.init(3)
    for _ in range(300):
        _, state = method.step(state, Signals(torch.arange(3), torch.ones(3), gramian))
    torch.testing.assert_close(state.values, min_norm_weights(gramian), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("regulariser", [0.0, 0.1, 2.0, 1e6])
def test_orthogonal_gradients_rest_at_the_inverses_of_their_lifted_squares(regulariser: float) -> None:
    """Where (G_nn / σ² + ρ) a_n is the same for all tasks; a large ρ makes the shares equal."""
    squares = torch.tensor([9.0, 1.0, 4.0], dtype=torch.float64)
    method = MoDo(step_size=0.3 / (1 + regulariser), regulariser=regulariser)
    state = method.init(3)
    for _ in range(200):
        _, state = method.step(state, Signals(torch.arange(3), torch.ones(3), torch.diag(squares)))
    inverses = 1 / (squares / 4 + regulariser)  # σ = (3 + 1 + 2) / 3
    torch.testing.assert_close(state.values, inverses / inverses.sum())


def test_a_step_of_zero_rests_and_a_huge_one_ends_at_a_corner() -> None:
    for step_size, expected in ((0.0, [0.5, 0.5]), (1e3, [0.0, 1.0])):
        method = MoDo(step_size=step_size)
        gramian = torch.diag(torch.tensor([4.0, 1.0], dtype=torch.float64))
        _, state = method.step(method.init(2), Signals(torch.arange(2), torch.ones(2), gramian))
        assert state.values.tolist() == expected
        assert method.is_valid(state)
