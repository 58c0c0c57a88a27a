"""CATS complete: the exact gradient of a quadratic, its controls, and whose price it takes."""

from typing import Any

import pytest
import torch
from torch.optim import Optimizer

from catscale.optimisation.adamw import AdamW
from catscale.optimisation.lagrangian import Lagrangian
from catscale.optimisation.sam import SAM
from tests.optimisation.quadratic import HESSIAN, Quadratic, Transcript


class Priced(Quadratic):
    """A quadratic whose balancing method knows a price, or not in this step."""

    def __init__(self, price: float | None) -> None:
        super().__init__()
        self.price = price

    def price_of_curvature(self) -> float | None:
        return self.price


def complete(**settings: Any) -> Lagrangian:
    return Lagrangian(**{"from": 0.0, **settings})


def after(settings: Any, descent: Quadratic, steps: int = 6) -> torch.Tensor:
    """Return θ after some steps."""
    optimizer = settings.build(descent.named)
    for step in range(1, steps + 1):
        settings.take(optimizer, descent, step)
    return descent.theta


class Noting(Lagrangian):
    """One whose updates leave the gradient where it is."""

    def update(self, optimizer: Optimizer, step: int) -> None:
        pass


def gradient_of(**settings: Any) -> list[float]:
    """Return what is stepped along at (1, 1), where c = (1, 9) and H c = (1, 81)."""
    descent, complete = Quadratic(), Noting(**{"from": 0.0, **settings})
    complete.take(complete.build(descent.named), descent, 1)
    found = descent.named["theta"].grad
    assert found is not None
    return found.tolist()


def test_the_gradient_is_that_of_the_lagrangian_or_of_sam() -> None:
    """c + 2 λ H c; at λ = r / (2 ‖c‖) the gradient at the worst point within r."""
    assert gradient_of(multiplier=0.3) == pytest.approx([1 + 0.6, 9 + 0.6 * 81])
    assert gradient_of(multiplier=0.1 / (2 * 82**0.5), radius=0.1) == pytest.approx([1.011043, 9.894495], abs=1e-6)


def test_steps_follow_the_gradient_of_the_lagrangian() -> None:
    """Of a quadratic the difference is exact: c + 2 λ H c."""
    settings, descent, slow = complete(multiplier=0.3, **Transcript.SETTINGS), Quadratic(), Transcript()
    optimizer = settings.build(descent.named)
    for step in range(1, 21):
        settings.take(optimizer, descent, step)
        c = HESSIAN * slow.theta
        slow.move(c + 2 * 0.3 * HESSIAN * c, step)
        torch.testing.assert_close(descent.theta, slow.theta, rtol=1e-6, atol=1e-9)


def test_at_the_multiplier_that_makes_the_second_descent_whole_it_is_sam() -> None:
    sam: dict[str, Any] = {"from": 0.0, "rho": 0.05}
    one, two = Quadratic(), Quadratic()
    after(SAM(**sam), one, 1)
    after(complete(multiplier=0.05 / (2 * 82**0.5)), two, 1)
    torch.testing.assert_close(one.theta, two.theta, rtol=1e-12, atol=0)


@pytest.mark.parametrize("settings", [{"multiplier": 0.0}, {"multiplier": 9.0, "from": 1.0, "total_steps": 9}])
def test_without_a_price_or_before_it_begins_steps_are_adamw_s(settings: dict[str, Any]) -> None:
    one, two = Quadratic(), Quadratic()
    assert torch.equal(after(AdamW(), one), after(complete(**settings), two))
    assert len(two.gradients) == 6


def test_without_a_multiplier_the_price_is_the_balancing_method_s() -> None:
    assert torch.equal(after(complete(), Priced(0.3)), after(complete(multiplier=0.3), Quadratic()))
    for price in (None, 0.0):
        descent = Priced(price)
        assert torch.equal(after(complete(), descent), after(AdamW(), Quadratic()))
        assert len(descent.gradients) == 6
    assert (complete().needs_price, complete(multiplier=0.0).needs_price) == (True, False)
