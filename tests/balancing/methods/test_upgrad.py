"""UPGrad: no task is harmed, however short its gradient; exact solvers; closed forms."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls

from catscale.balancing.methods.torchjd_weighting import torchjd_weighting
from catscale.balancing.methods.upgrad import UPGrad
from tests.balancing.methods.gramian_cases import KINDS, ROWS, SCALES, hard_rows, weigh
from tests.unchecked import unchecked


def exact_mean_projection(rows: torch.Tensor) -> torch.Tensor:
    """(1/K) Σ_i of the projections on the dual cone, of the rows themselves: the shortest g_i + Σ x_n g_n, x ≥ 0."""
    units = (rows / rows.norm(dim=1, keepdim=True)).T.numpy()
    found = np.zeros(rows.shape[1])
    for row in rows.numpy():
        length = np.linalg.norm(row)
        x, _ = nnls(units, -row / length, maxiter=1000)
        found += row + length * (units @ x)
    return torch.from_numpy(found) / len(rows)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", SCALES)
def test_it_is_the_exact_mean_projection_at_any_scale(kind: str, scale: float) -> None:
    for seed in range(12):
        rows = hard_rows(seed, scale, kind)
        weights = weigh(UPGrad(), rows)
        direction, expected = weights @ rows, exact_mean_projection(rows)
        assert (weights >= 1 / len(rows)).all()
        assert (direction - expected).norm() <= 1e-9 * rows.norm(dim=1).mean()
        if expected.norm() > 1e-3 * rows.norm(dim=1).mean():
            cosines = rows @ direction / rows.norm(dim=1) / direction.norm()
            assert cosines.min() >= -1e-8


def test_a_short_gradient_is_not_harmed() -> None:
    """At a hundredth of the others' length it was: cosines of −0.44, where the exact answer has 0.007."""
    conflicts = 0
    for seed in range(50):
        rows = torch.randn(3, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        rows[1] *= 0.01
        conflicts += bool(rows[1] @ rows.mean(0) < 0)
        direction = weigh(UPGrad(), rows) @ rows
        assert rows[1] @ direction >= -1e-10 * rows[1].norm() * direction.norm()
    assert conflicts > 10


def test_scaling_a_gradient_scales_its_own_projection_alone() -> None:
    """The dual cone does not change: d(s) = d(0) + s · (projection of the scaled one) / K."""
    for rows in ROWS:
        longer = rows.clone()
        longer[0] *= 1e4
        twice = rows.clone()
        twice[0] *= 2e4
        base, once, double = (weigh(UPGrad(), r) @ r for r in (rows, longer, twice))
        torch.testing.assert_close(double - once, (once - base) * 1e4 / (1e4 - 1), rtol=1e-7, atol=1e-7)


def test_quadprog_agrees_where_no_gradient_is_short() -> None:
    for rows in ROWS:
        theirs = torchjd_weighting("UPGradWeighting")
        unchecked(theirs).projector.reg_eps = 1e-12
        torch.testing.assert_close(weigh(UPGrad(), rows) @ rows, theirs(rows @ rows.T) @ rows, rtol=1e-6, atol=1e-7)


def test_two_tasks_have_a_closed_form() -> None:
    for rows in ROWS[:8]:
        gramian = rows @ rows.T
        expected = (1 - gramian[0, 1].clamp(max=0) / gramian.diagonal()) / 2
        torch.testing.assert_close(weigh(UPGrad(), rows), expected, rtol=1e-9, atol=0)


def test_repeated_gradients_share_equally() -> None:
    generator = torch.Generator().manual_seed(3)
    first, second = torch.randn(2, 6, generator=generator, dtype=torch.float64)
    weights = weigh(UPGrad(), torch.stack([first, first, second - 2 * first]))
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-6, atol=0)
