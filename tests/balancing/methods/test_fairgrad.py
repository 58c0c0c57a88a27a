"""FairGrad: its equation to rounding, Nash-MTL at α = 1, the min-norm point for large α, and TorchJD."""

import pytest
import torch

from catscale.balancing.methods.fairgrad import FairGrad, _objective, fair_weights
from catscale.balancing.methods.mgda import min_norm_weights
from catscale.balancing.methods.nash_mtl import nash_weights
from catscale.balancing.methods.torchjd_weighting import torchjd_weighting
from tests.balancing.methods.gramian_cases import KINDS, ROWS, SCALES, hard_rows, weigh


@pytest.mark.parametrize("fairness", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_its_equation_holds_to_rounding_on_hard_gradients(fairness: float) -> None:
    for seed, (kind, scale) in enumerate((kind, scale) for kind in KINDS for scale in SCALES):
        rows = hard_rows(seed, scale, kind)
        gramian = rows @ rows.T / rows.square().sum(1).max()
        weights = fair_weights(gramian, fairness, 1e-6)
        lifted = gramian + 1e-6 * torch.diag(gramian.diagonal())
        residual = (lifted @ weights - weights ** (-1 / fairness)).abs()
        assert (residual <= 1e-12 * lifted.abs() @ weights).all(), (kind, scale)


def test_it_agrees_with_torchjd() -> None:
    for rows in ROWS[8:9]:
        gramian = rows @ rows.T / rows.square().sum(1).max()
        theirs = torchjd_weighting("FairGradWeighting", alpha=2.0)(gramian)
        torch.testing.assert_close(fair_weights(gramian, 2.0, 1e-12), theirs, rtol=1e-3, atol=1e-3)


def test_at_one_it_is_nash_mtl() -> None:
    for rows in ROWS:
        gramian = rows @ rows.T
        torch.testing.assert_close(fair_weights(gramian, 1.0, 1e-6), nash_weights(gramian, 1e-6), rtol=1e-6, atol=0)


def test_the_least_gain_rises_with_alpha_towards_that_of_the_min_norm_point() -> None:
    rows = torch.tensor([[1.0, 0.2, 0.0], [-0.3, 0.1, 0.4], [0.5, -0.2, 0.8]], dtype=torch.float64)

    def least_gain(weights: torch.Tensor) -> float:
        step = weights @ rows
        return float((rows @ step).min() / step.norm())

    gains = [least_gain(weigh(FairGrad(fairness=fairness), rows)) for fairness in (0.25, 0.5, 1.0, 2.0, 4.0)]
    best = least_gain(min_norm_weights(rows @ rows.T))
    assert gains == sorted(gains)
    assert gains[0] < gains[-1] < best
    assert gains[-1] == pytest.approx(best, rel=0.2)


def test_known_answers() -> None:
    """Orthogonal gradients of lengths 1 and 1/8 at α = 2: (G w)_n = d² w = w^(−1/2), so that w = d^(−4/3)."""
    rows = torch.tensor([[1.0, 0.0], [0.0, 0.125]], dtype=torch.float64)
    assert weigh(FairGrad(), rows).tolist() == pytest.approx([1.0, 16.0], rel=1e-5)
    assert weigh(FairGrad(), 1000 * rows).tolist() == pytest.approx([1.0, 16.0], rel=1e-5)


@pytest.mark.parametrize("fairness", [0.25, 0.7, 1.0, 3.0])
def test_orthogonal_and_equal_gradients_have_closed_forms(fairness: float) -> None:
    """(1 + ρ) d² w = w^(−1/α) for orthogonal gradients, (K + ρ) w = w^(−1/α) for K equal ones of length 1."""
    lengths = torch.tensor([1.0, 0.03, 1e-4], dtype=torch.float64)
    found = fair_weights(torch.diag(lengths.square()), fairness, 0.01)
    torch.testing.assert_close(found, (1.01 * lengths.square()) ** (-fairness / (1 + fairness)))
    for size in (1, 2, 6):
        found = fair_weights(torch.ones(size, size, dtype=torch.float64), fairness, 0.01)
        torch.testing.assert_close(found, torch.full_like(found, (size + 0.01) ** (-fairness / (1 + fairness))))


@pytest.mark.parametrize("fairness", [0.5, 1.0, 3.0])
def test_no_other_direction_of_the_step_has_a_fairer_sum_of_gains(fairness: float) -> None:
    rows = torch.tensor([[1.0, 0.2, 0.0], [-0.3, 0.1, 0.4], [0.5, -0.2, 0.8]], dtype=torch.float64)

    def welfare(step: torch.Tensor) -> float:
        gains = rows @ step / step.norm()
        if (gains <= 0).any():
            return -torch.inf
        return float((gains.log() if fairness == 1 else gains ** (1 - fairness) / (1 - fairness)).sum())

    step = fair_weights(rows @ rows.T, fairness, 1e-12) @ rows
    generator = torch.Generator().manual_seed(0)
    best = welfare(step)
    for size in (0.5, 0.05, 0.005) * 20:
        other = step / step.norm() + size * torch.randn(3, generator=generator, dtype=torch.float64)
        assert welfare(other) < best


def test_the_order_of_the_tasks_does_not_matter_and_opposed_gradients_stay_finite() -> None:
    for seed, kind in enumerate(KINDS):
        gramian = hard_rows(seed, 1e3, kind) @ hard_rows(seed, 1e3, kind).T
        gramian = gramian / gramian.diagonal().max()
        order = torch.randperm(len(gramian), generator=torch.Generator().manual_seed(seed))
        moved = fair_weights(gramian[order][:, order], 2.0, 1e-6)
        torch.testing.assert_close(moved, fair_weights(gramian, 2.0, 1e-6)[order], rtol=1e-8, atol=0)
        assert moved.isfinite().all()
        assert (moved > 0).all()


@pytest.mark.parametrize("power", [0.25, 1.0, 4.0])
def test_the_newton_slope_is_that_of_the_objective(power: float) -> None:
    matrix = torch.tensor([[2.0, -0.5], [-0.5, 1.0]], dtype=torch.float64)
    shares = torch.tensor([0.5, 3.0], dtype=torch.float64)
    at = torch.tensor([0.7, 1.3], dtype=torch.float64)
    slope = matrix @ at - shares * at**-power
    for n in range(2):
        by = 1e-5 * torch.eye(2, dtype=torch.float64)[n]
        rise = _objective(matrix, shares, power, at + by) - _objective(matrix, shares, power, at - by)
        assert rise / 2e-5 == pytest.approx(float(slope[n]), rel=1e-6)
