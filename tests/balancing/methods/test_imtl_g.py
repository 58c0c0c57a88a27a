"""IMTL-G: equal projections on the unit gradients, also where gradients are dependent."""

import pytest
import torch

from catscale.balancing.engine.gramian import gramian
from catscale.balancing.methods.imtl_g import IMTLG
from catscale.balancing.methods.torchjd_weighting import torchjd_weighting
from tests.balancing.methods.gramian_cases import ROWS, weigh


def test_projections_are_equal_at_any_scale() -> None:
    for rows in ROWS:
        scaled = rows * torch.logspace(-6, 6, len(rows), dtype=torch.float64)[:, None]
        weights = weigh(IMTLG(), scaled)
        projections = (scaled / scaled.norm(dim=1, keepdim=True)) @ (weights @ scaled)
        torch.testing.assert_close(projections / projections[0], torch.ones_like(projections), rtol=1e-6, atol=0)
        assert weights.sum().item() == pytest.approx(1)


def test_two_tasks_have_a_closed_form() -> None:
    for rows in ROWS[:8]:
        norms = rows.norm(dim=1)
        torch.testing.assert_close(weigh(IMTLG(), rows), norms.flip(0) / norms.sum())


def test_it_agrees_with_torchjd_on_the_gramian_itself() -> None:
    for rows in ROWS:
        torch.testing.assert_close(weigh(IMTLG(), rows), torchjd_weighting("IMTLGWeighting")(rows @ rows.T))


def test_dependent_float32_gradients_do_not_stall_the_step() -> None:
    """The inverse of a rounding error made the combined gradient a millionth of what it should be."""
    torch.manual_seed(0)
    a, b, c = torch.randn(3, 2000)
    rows = [a, b, c, a + b + c, a - b]
    weights = IMTLG().weigh(gramian([[row] for row in rows]), 0)
    combined = weights @ torch.stack(rows).double()
    units = torch.stack([row / row.norm() for row in rows]).double()
    expected = torch.linalg.pinv(units, rtol=1e-5).sum(1)  # equal projections, in the sense of least squares
    cosine = combined @ expected / combined.norm() / expected.norm()
    assert cosine.item() == pytest.approx(1, abs=1e-4)
    assert combined.norm() > 1


def test_opposed_gradients_weigh_equally() -> None:
    rows = torch.tensor([[1.0, 2.0], [-1.0, -2.0]], dtype=torch.float64)
    assert weigh(IMTLG(), rows).tolist() == [0.5, 0.5]
