"""Non-negative least squares against scipy's, and matrices that rounding has made indefinite."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls

from catscale.balancing.methods.nonnegative import lift_matrix, minimise_nonnegative, project_on_dual_cone


@pytest.mark.parametrize("is_definite", [True, False])
@pytest.mark.parametrize("start", ["zero", "ones"])
def test_scipy_finds_the_same(is_definite: bool, start: str) -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        rows, target = rng.normal(size=(12, 6)), rng.normal(size=12)
        matrix, right = torch.from_numpy(rows.T @ rows), torch.from_numpy(rows.T @ target)
        first = torch.zeros_like(right) if start == "zero" else torch.ones_like(right)
        found = minimise_nonnegative(matrix, right, first, is_definite)
        torch.testing.assert_close(found, torch.from_numpy(nnls(rows, target)[0]), rtol=1e-9, atol=1e-11)


def test_a_singular_matrix_is_solved() -> None:
    right = torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)
    found = minimise_nonnegative(torch.ones(3, 3, dtype=torch.float64), right, torch.zeros(3, dtype=torch.float64))
    assert found.sum().item() == pytest.approx(1)
    assert (found >= 0).all()


def test_lifting_leaves_definite_matrices_alone() -> None:
    unit = torch.tensor([[1.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    assert lift_matrix(unit, 0.0).equal(unit)
    noisy = torch.tensor([[1.0, 1.0 + 1e-7], [1.0 + 1e-7, 1.0]], dtype=torch.float64)
    assert torch.linalg.eigvalsh(lift_matrix(noisy, 0.0))[0] > 0


def test_what_harms_nothing_is_its_own_projection() -> None:
    gramian = torch.tensor([[1.0, 0.2], [0.2, 4.0]], dtype=torch.float64)
    given = torch.tensor([[0.5, 0.5], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    assert project_on_dual_cone(gramian, given, 1e-10).equal(given)


def test_rounding_of_the_products_is_survived() -> None:
    """Products of float32 gradients of rank 2, symmetric and off by 1e-7: no solver fails, and little is harmed."""
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randn(6, 2, generator=generator, dtype=torch.float64) + 1.0
        noise = 1e-7 * torch.randn(6, 6, generator=generator, dtype=torch.float64)
        gramian = (rows @ rows.T) * (1 + noise + noise.T)
        found = project_on_dual_cone(gramian, torch.full((1, 6), 1 / 6, dtype=torch.float64), 1e-10)[0]
        direction = found @ rows
        assert found.isfinite().all()
        assert (rows @ direction / rows.norm(dim=1)).min() >= -1e-3 * rows.mean(0).norm()
