"""Aligned-MTL: the mean of the nearest orthogonal system, by singular values of the gradients themselves."""

from typing import Any

import mpmath  # sympy, and so torch, brings it
import pytest
import torch

from catscale.balancing.engine.gramian import gramian
from catscale.balancing.methods.aligned_mtl import AlignedMTL
from catscale.balancing.methods.torchjd_weighting import torchjd_weighting
from tests.balancing.methods.gramian_cases import ROWS, weigh

SIZES: dict[str, Any] = {"min": torch.min, "median": torch.median, "rmse": torch.mean}


def expected_mean(rows: torch.Tensor, scale: Any, rank: int | None = None) -> torch.Tensor:
    u, sigma, vt = torch.linalg.svd(rows, full_matrices=False)
    u, sigma, vt = u[:, :rank], sigma[:rank], vt[:rank]
    return SIZES[scale](sigma**2).sqrt() * (u @ vt).mean(0)


@pytest.mark.parametrize("scale", SIZES)
def test_it_is_the_mean_of_the_nearest_orthogonal_system(scale: Any) -> None:
    for rows in ROWS:
        found = weigh(AlignedMTL(scale=scale), rows) @ rows
        torch.testing.assert_close(found, expected_mean(rows, scale), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("scale", SIZES)
def test_it_agrees_with_torchjd(scale: Any) -> None:
    for rows in ROWS:
        theirs = torchjd_weighting("AlignedMTLWeighting", scale_mode=scale)(rows @ rows.T)
        torch.testing.assert_close(weigh(AlignedMTL(scale=scale), rows), theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("scale", SIZES)
def test_dependent_float32_gradients_do_not_stall_the_step(scale: Any) -> None:
    """An eigenvalue of rounding was taken for the smallest one: steps of a thousandth of their length."""
    torch.manual_seed(0)
    a, b, c = torch.randn(3, 2000)
    rows = [a, b, c, a + b + c, a - b]
    weights = AlignedMTL(scale=scale).weigh(gramian([[row] for row in rows]), 0)
    dense = torch.stack(rows).double()
    torch.testing.assert_close(weights @ dense, expected_mean(dense, scale, rank=3), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("scale", SIZES)
@pytest.mark.parametrize("length", [1e-9, 1e-5, 1e5, 1e9])
def test_a_gradient_of_another_length_keeps_its_component(length: float, scale: Any) -> None:
    """Eigenvalues of G itself lost what was 1e8 times shorter: steps a hundred thousand times too long."""
    rows = torch.randn(3, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows[1] *= length
    found, expected = weigh(AlignedMTL(scale=scale), rows) @ rows, expected_mean(rows, scale)
    assert (found - expected).norm() < 1e-5 * expected.norm()


def test_lengths_over_eight_decades_against_forty_digits() -> None:
    rows = torch.randn(5, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    rows *= torch.logspace(-4, 4, 5, dtype=torch.float64)[:, None]
    with mpmath.workdps(40):
        u, sizes, v = mpmath.svd_r(mpmath.matrix(rows.tolist()))
        polar = u * v * min(sizes)
        expected = torch.tensor([float(sum(polar[n, i] for n in range(5)) / 5) for i in range(9)], dtype=torch.float64)
    assert (weigh(AlignedMTL(), rows) @ rows - expected).norm() < 1e-6 * expected.norm()


def test_opposed_gradients_weigh_equally() -> None:
    rows = torch.tensor([[1.0, 2.0], [-1.0, -2.0]], dtype=torch.float64)
    assert weigh(AlignedMTL(), rows).tolist() == [0.5, 0.5]
