"""CAGrad: the best direction of the ball by duality, cvxpy and a grid; opposed gradients, for which the best is 0."""

import math

import cvxpy
import pytest
import torch

from catscale.balancing.methods.cagrad import CAGrad
from catscale.balancing.methods.mgda import min_norm_weights
from tests.balancing.methods.gramian_cases import KINDS, ROWS, SCALES, hard_rows, weigh


def gain(rows: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """min_n ⟨g_n, d⟩ for each of several d."""
    return (directions @ rows.T).amin(-1)


def bound(rows: torch.Tensor, weights: torch.Tensor, reach: float) -> float:
    """⟨g_w, g_0⟩ + ρ ‖g_w‖, which no d of the ball exceeds, whatever w on the simplex."""
    combined = weights / weights.sum() @ rows
    return float(combined @ rows.mean(0) + reach * combined.norm())


@pytest.mark.parametrize("radius", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", SCALES)
def test_no_direction_of_the_ball_is_better(radius: float, kind: str, scale: float) -> None:
    for seed in range(6):
        rows = hard_rows(seed, scale, kind)
        mean, norms = rows.mean(0), rows.norm(dim=1)
        reach = radius * float(mean.norm())
        weights = weigh(CAGrad(radius=radius), rows)
        direction = weights @ rows
        assert (weights >= 1 / len(rows) - 1e-12).all()
        assert (direction - mean).norm().item() <= reach * (1 + 1e-8)
        gramian = rows @ rows.T
        moved = (weights - 1 / len(rows)).clamp(min=0)
        best = min(
            bound(rows, found, reach)
            for found in (moved, min_norm_weights(gramian / gramian.diagonal().max()))
            if found.any()
        )
        gains = rows @ direction
        assert best - gains.min() <= 1e-8 * norms[gains.argmin()] * mean.norm()


def test_opposed_gradients_leave_the_best_value_of_0() -> None:
    """{a, −a, b}: every d orthogonal to a has it; d = g_0 has −2.46."""
    a = torch.tensor([3.0, 0.0, 0.0], dtype=torch.float64)
    b = torch.tensor([2.46, 6.0, 1.0], dtype=torch.float64)
    rows = torch.stack([a, -a, b])
    direction = weigh(CAGrad(radius=0.5), rows) @ rows
    assert gain(rows, rows.mean(0)) == pytest.approx(-2.46)
    assert gain(rows, direction).item() == pytest.approx(0, abs=1e-9)
    # Of all these, the nearest to the mean.
    expected = rows.mean(0) * torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(direction, expected, rtol=1e-9, atol=1e-9)


def test_opposed_gradients_out_of_the_ball_s_reach() -> None:
    a, b = torch.tensor([[1.0, 0.0], [3.0, 2.0]], dtype=torch.float64)
    rows = torch.stack([a, -a, b])
    mean = b / 3
    # The furthest towards the axis that the ball reaches: sideways by half of ‖g_0‖.
    expected = mean[0] - 0.5 * mean.norm()
    assert gain(rows, weigh(CAGrad(radius=0.5), rows) @ rows).item() == pytest.approx(-expected.item(), rel=1e-6)


@pytest.mark.parametrize("radius", [0.2, 0.9])
def test_a_cone_programme_finds_the_same_value(radius: float) -> None:
    for rows in ROWS[::3]:
        matrix, mean = rows.numpy(), rows.mean(0).numpy()
        direction, least = cvxpy.Variable(len(mean)), cvxpy.Variable()
        ball = cvxpy.norm(direction - mean) <= radius * float(rows.mean(0).norm())
        problem = cvxpy.Problem(cvxpy.Maximize(least), [matrix @ direction >= least, ball])
        problem.solve(cvxpy.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
        found = gain(rows, weigh(CAGrad(radius=radius), rows) @ rows).item()
        assert found == pytest.approx(float(least.value), abs=1e-6 * float(rows.norm(dim=1).max() ** 2))


@pytest.mark.parametrize("radius", [0.2, 0.5, 0.9])
def test_no_random_direction_is_better(radius: float) -> None:
    generator = torch.Generator().manual_seed(0)
    for rows in ROWS:
        mean = rows.mean(0)
        direction = weigh(CAGrad(radius=radius), rows) @ rows
        reach = radius * mean.norm()
        noise = torch.randn(3000, rows.shape[1], generator=generator, dtype=torch.float64)
        noise = torch.cat([noise, direction - mean + 0.01 * noise * reach])
        others = mean + reach * noise / noise.norm(dim=1, keepdim=True)
        assert gain(rows, direction) >= gain(rows, others).max() - 1e-9


def test_radius_0_is_the_mean() -> None:
    for rows in ROWS[:10]:
        expected = torch.full((len(rows),), 1 / len(rows), dtype=torch.float64)
        torch.testing.assert_close(weigh(CAGrad(radius=0), rows), expected)


def test_a_mean_of_0_has_no_ball() -> None:
    rows = torch.tensor([[1.0, 2.0], [-1.0, -2.0]], dtype=torch.float64)
    assert weigh(CAGrad(), rows).tolist() == [0.5, 0.5]


def test_two_tasks_against_a_grid() -> None:
    for rows in ROWS[:8]:
        mean = rows.mean(0)
        first = torch.linspace(0, 1, 100_001, dtype=torch.float64)
        hull = first[:, None] * rows[0] + (1 - first)[:, None] * rows[1]
        best = hull[(hull @ mean + 0.5 * mean.norm() * hull.norm(dim=1)).argmin()]
        expected = mean + 0.5 * mean.norm() * best / best.norm()
        torch.testing.assert_close(weigh(CAGrad(radius=0.5), rows) @ rows, expected, rtol=1e-3, atol=1e-3)


def test_orthogonal_gradients_have_a_closed_form() -> None:
    """Of length 1: by symmetry w is equal and d = (1 + c) g_0."""
    weights = weigh(CAGrad(radius=0.4), torch.eye(4, dtype=torch.float64))
    assert weights.tolist() == pytest.approx([1.4 / 4] * 4, rel=1e-9)
    assert math.isclose(weights.sum().item(), 1.4, rel_tol=1e-9)
