import math

import pytest
import torch

from catscale.balancing.engine.cosines import cosine


def rows(seed: int, *shapes: tuple[int, ...], scale: float = 1.0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [scale * torch.randn(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_against_float64(scale):
    shapes = (3, 4), (9000,), ()
    left, right = rows(0, *shapes, scale=scale), rows(1, *shapes)
    a, b = (torch.cat([part.reshape(-1).double() for part in row]) for row in (left, right))
    assert cosine(left, right) == pytest.approx((a @ b / (a.norm() * b.norm())).item(), abs=1e-6)
    assert cosine(left, left) == pytest.approx(1, abs=1e-12)
    assert cosine(left, [-2 * part for part in left]) == pytest.approx(-1, abs=1e-12)


def test_missing_parts_are_zero():
    a, (c, d) = rows(0, (5,))[0], rows(1, (5,), (5,))
    zero = torch.zeros(5)
    assert cosine([a, None], [c, d]) == pytest.approx(cosine([a, zero], [c, d]), abs=1e-12)
    assert cosine([a, None], [None, d]) == 0


def test_a_zero_gradient_has_cosine_zero():
    (a,) = rows(0, (5,))
    assert cosine([torch.zeros(5)], [a]) == 0
    assert cosine([None], [None]) == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_stays_so(value):
    (a,) = rows(0, (5,))
    assert math.isnan(cosine([a], [torch.full((5,), value)]))
