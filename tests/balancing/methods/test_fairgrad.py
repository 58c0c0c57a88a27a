"""FairGrad: its equation to rounding, Nash-MTL at α = 1, the min-norm point for large α, and TorchJD."""

import pytest
import torch

from catscale.balancing.methods.fairgrad import FairGrad, fair_weights
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
