"""Squares of gradient norms from two halves: the formula, and that it is unbiased where the plain square is not."""

import pytest
import torch
from torch import Tensor, nn

from catscale import TaskBalancer
from catscale.balancing.engine.unbiased import find_half, unbiased_square
from tests.balancing.engine.spies import Spy, spy

MEAN = torch.tensor([[1.0, -2.0, 0.5, 0.0], [0.3, 0.1, 0.0, -0.2]], dtype=torch.float64)
"""(2, 4) the true gradients of two tasks."""


def step(method: Spy, parts: list[list[Tensor]], scaler: torch.amp.GradScaler | None = None) -> nn.Parameter:
    """Tasks whose parts of the loss have the given gradients; the first part of each is a tensor."""
    theta = nn.Parameter(torch.ones(4, dtype=torch.float64))
    losses = {
        name: [part @ theta if n == 0 else (lambda p=part: p @ theta) for n, part in enumerate(found)]
        for name, found in zip("ab", parts, strict=True)
    }
    TaskBalancer(method, ["a", "b"], [theta]).backward(losses, scaler=scaler)
    return theta


def draw(count: int, generator: torch.Generator, noise: float = 1.0) -> list[list[Tensor]]:
    """Parts that add up to the mean plus noise."""
    return [
        [mean / count + noise / count * torch.randn(4, generator=generator, dtype=torch.float64) for _ in range(count)]
        for mean in MEAN
    ]


def by_hand(parts: list[Tensor]) -> float:
    """⟨g¹, g²⟩ / (s (1 − s)), with the first half of the parts as g¹."""
    half = len(parts) // 2
    if not half:
        return torch.stack(parts).sum(0).square().sum().item()
    share = half / len(parts)
    return (torch.stack(parts[:half]).sum(0) @ torch.stack(parts[half:]).sum(0)).item() / (share * (1 - share))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("weights", [(0.5, 2.0), (0.0, 1.0)])
@pytest.mark.parametrize("scale", [None, 2.0**10])
def test_the_formula(count: int, known: bool, weights: tuple[float, float], scale: float | None) -> None:
    parts = draw(count, torch.Generator().manual_seed(count))
    scaler = None if scale is None else torch.amp.GradScaler("cpu", init_scale=scale)
    rows = torch.stack([torch.stack(found).sum(0) for found in parts])
    squares = torch.tensor([by_hand(found) for found in parts]).double()
    method = spy("gramian", known, weights, halves=True)
    theta = step(method, parts, scaler)
    wanted = rows @ rows.T
    wanted.diagonal().copy_(squares)
    torch.testing.assert_close(method.seen[0].gramian, wanted)
    torch.testing.assert_close(theta.grad, (scale or 1.0) * torch.tensor(weights).double() @ rows)
    norms = spy("norms", known, weights, halves=True)
    step(norms, parts, scaler)
    torch.testing.assert_close(norms.seen[0].norms, squares.clamp(min=0).sqrt())
    products = spy("products", True, weights, halves=True)
    step(products, parts, scaler)
    torch.testing.assert_close(products.seen[0].products, wanted @ torch.tensor(weights).double())


def test_several_groups_share_the_correction() -> None:
    one, two = (nn.Parameter(torch.ones(4, dtype=torch.float64)) for _ in range(2))
    parts = draw(4, torch.Generator().manual_seed(9))
    losses = {n: [(lambda p=p: p @ one + 2 * p @ two) for p in found] for n, found in zip("ab", parts, strict=True)}
    method = spy("gramian", False, (1.0, 1.0), halves=True, per_group=True)
    TaskBalancer(method, ["a", "b"], [one, two], groups={"one": [one]}).backward(losses)
    found = method.seen[0].gramian
    wanted = torch.tensor([5 * by_hand(p) for p in parts]).double()
    torch.testing.assert_close(found.diagonal(dim1=1, dim2=2).sum(0), wanted)
    rows = torch.stack([torch.stack(p).sum(0) for p in parts])
    assert found[0, 0, 1].item() == pytest.approx((rows[0] @ rows[1]).item())


@pytest.mark.parametrize("count", [2, 3, 8])
def test_it_is_unbiased_and_the_plain_square_is_not(count: int) -> None:
    """Within four standard errors of ‖μ‖² over 3,000 draws; the plain square is off by the noise's variance."""
    generator = torch.Generator().manual_seed(count)
    found, plain = [], []
    for _ in range(3000):
        rows = torch.stack([torch.stack(parts) for parts in draw(count, generator)])  # (2, count, 4)
        first, both = rows[:, : find_half(count)].sum(1), rows.sum(1)
        share = torch.full((2,), find_half(count) / count, dtype=torch.float64)
        square, products = both.square().sum(1), (first * both).sum(1)
        found.append(unbiased_square(square, first.square().sum(1), products, share))
        plain.append(square)
    truth = MEAN.square().sum(1)
    for values, wanted in ((found, truth), (plain, truth + 4 / count)):
        stacked = torch.stack(values)
        error = stacked.std(0) / len(values) ** 0.5
        assert ((stacked.mean(0) - wanted).abs() < 4 * error).all()
        if values is plain:
            assert ((stacked.mean(0) - truth) > 10 * error).all()


def test_half_of_the_parts() -> None:
    assert [find_half(n) for n in (1, 2, 3, 4, 5)] == [0, 1, 1, 2, 2]
