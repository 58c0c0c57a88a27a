"""Parameters of every dtype that has gradients: complex ones as their two real parts, narrow ones, mixtures."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catscale import CATS, METHODS, Fixed, TaskBalancer

METHODS_TRIED = {
    "cats": CATS(inner_steps=1),
    "products": CATS(inner_steps=1, statistics="products"),
    "paper": CATS(formulation="paper", inner_steps=1, alpha_lr=1e-6, multiplier_lr=1e-6),
    "gradnorm": METHODS["gradnorm"](),
    "fixed": Fixed(),
    "mgda": METHODS["mgda"](),
    "nash_mtl": METHODS["nash_mtl"](),
}


def losses_of(theta: Tensor, rest: Tensor) -> dict[str, Callable[[], Tensor]]:
    """Of theta complex, or a pair of reals in its last dimension."""
    generator = torch.Generator().manual_seed(1)
    targets = torch.randn(3, 5, 2, generator=generator, dtype=torch.float64)

    def loss(index: int) -> Tensor:
        pair = torch.view_as_real(theta) if theta.is_complex() else theta
        return ((pair - targets[index]) ** 2).sum() * (index + 1) + (rest * targets[index, 0, 0]).sum()

    return {name: partial(loss, index) for index, name in enumerate("abc")}


@pytest.mark.parametrize(("name", "low_memory"), [*((name, False) for name in METHODS_TRIED), ("products", True)])
def test_complex_parameters_train_as_their_real_and_imaginary_parts(name: str, low_memory: bool) -> None:
    start = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    whole, split = nn.Parameter(torch.view_as_complex(start.clone())), nn.Parameter(start.clone())
    rests = [nn.Parameter(torch.ones(2, dtype=torch.float64)) for _ in range(2)]
    made = [
        TaskBalancer(METHODS_TRIED[name], list("abc"), parameters, low_memory=low_memory)
        for parameters in ([whole, rests[0]], [split, rests[1]])
    ]
    optimisers = [torch.optim.SGD([theta, rest], lr=0.02) for theta, rest in zip((whole, split), rests, strict=True)]
    for _ in range(4):
        steps: list[Any] = []
        for balancer, theta, rest, optimiser in zip(made, (whole, split), rests, optimisers, strict=True):
            optimiser.zero_grad()
            steps.append(balancer.backward(losses_of(theta, rest)))
            optimiser.step()
        assert steps[0].weights == pytest.approx(steps[1].weights, rel=1e-9)
        assert (steps[0].gradient_norms or {}) == pytest.approx(steps[1].gradient_norms or {}, rel=1e-9)
        assert (steps[0].curvature or 0) == pytest.approx(steps[1].curvature or 0, rel=1e-9)
        torch.testing.assert_close(torch.view_as_real(whole.grad), split.grad)
    torch.testing.assert_close(torch.view_as_real(whole), split)
    assert min((steps[0].gradient_norms or {"": 1}).values()) > 0


def test_a_complex_gradient_that_is_not_finite_is_found() -> None:
    theta = nn.Parameter(torch.zeros(2, dtype=torch.complex64))
    made = TaskBalancer(Fixed(), ["a"], [theta])
    with pytest.raises(Exception, match="the gradient of task 'a' must be finite"):
        made.backward({"a": lambda: theta.abs().sqrt().sum() + theta.imag.sum() * 1e30 * 1e30})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["cats", "products", "gradnorm", "mgda"])
def test_narrow_gradients_are_measured_in_float32(dtype: torch.dtype, name: str) -> None:
    """Squares that float16 cannot hold: 300² · 1,000 numbers."""
    theta, other = nn.Parameter(torch.zeros(1000, dtype=dtype)), nn.Parameter(torch.zeros(3, dtype=torch.float64))
    made = TaskBalancer(METHODS_TRIED[name], ["a", "b"], [theta, other])
    step = made.backward({"a": lambda: (theta * 300).float().sum() + other.sum(), "b": lambda: theta.float().sum()})
    expected = {"a": (300.0**2 * 1000 + 3) ** 0.5, "b": 1000**0.5}
    assert step.gradient_norms == pytest.approx(expected, rel=1e-4)
    assert theta.grad.dtype == dtype
    assert other.grad.dtype == torch.float64


def test_integers_and_frozen_parameters_are_left_out() -> None:
    theta, count = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2, dtype=torch.int32), requires_grad=False)
    made = TaskBalancer(CATS(inner_steps=1), ["a"], [count, theta, theta.detach()])
    made.backward({"a": lambda: (theta * count).sum()})
    assert len(made.parameters) == 1
    assert count.grad is None
