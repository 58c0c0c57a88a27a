"""CATS complete: the exact gradient of a quadratic, its controls, and whose price it takes."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import Optimizer

from catscale.errors import ConfigError, DivergedError
from catscale.optimisation.adamw import AdamW
from catscale.optimisation.lagrangian import Lagrangian
from catscale.optimisation.sam import SAM
from tests.optimisation.quadratic import HESSIAN, Quadratic, Transcript


class Priced(Quadratic):
    """A quadratic whose balancing method knows a price, or not in this step."""

    def __init__(self, price: float | None) -> None:
        super().__init__()
        self.price = price

    def norm(self, parameters: Sequence[Tensor]) -> Tensor | None:
        return None

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

    def update(self, optimizer: Optimizer, step: int, norm: Tensor | None = None) -> None:
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


class Quartic(Quadratic):
    """L = Σ θ⁴ / 4, whose Hessian changes from point to point."""

    def __call__(self) -> float:
        theta = self.named["theta"]
        theta.grad = theta.detach() ** 3
        self.gradients.append(theta.grad.clone())
        return (theta.detach() ** 4).sum().item() / 4


def test_where_the_hessian_changes_it_is_the_difference_of_two_gradients() -> None:
    """Against a transcription with the radius written out; and it nears 2 λ H c as the radius shrinks."""
    settings = complete(multiplier=0.2, radius=0.3, **Transcript.SETTINGS)
    descent, slow = Quartic(), Transcript()
    optimizer = settings.build(descent.named)
    for step in range(1, 11):
        settings.take(optimizer, descent, step)
        c = slow.theta**3
        there = (slow.theta + 0.3 * c / c.norm()) ** 3
        slow.move(c + 2 * 0.2 * c.norm() / 0.3 * (there - c), step)
        torch.testing.assert_close(descent.theta, slow.theta, rtol=1e-6, atol=1e-9)
    errors = [(curved(radius) - (1 + 2 * 0.2 * 3) * torch.ones(2)).norm().item() for radius in (0.1, 0.01, 0.001)]
    assert errors[0] > 9 * errors[1] > 81 * errors[2] > 0


def curved(radius: float) -> torch.Tensor:
    """Return ∇J at (1, 1), before it is clipped."""
    found, descent = [], Quartic()

    class Noting(Lagrangian):
        def update(self, optimizer: torch.optim.Optimizer, step: int, norm: Tensor | None = None) -> None:
            gradient = descent.named["theta"].grad
            assert gradient is not None
            found.append(gradient.clone())

    settings = Noting(**complete(multiplier=0.2, radius=radius).model_dump())
    settings.take(settings.build(descent.named), descent, 1)
    return found[0]


class Still(Quadratic):
    """A descent whose gradient is 0."""

    def __call__(self) -> float:
        self.named["theta"].grad = torch.zeros(2, dtype=torch.float64)
        return 0.0


def test_a_gradient_of_zero_has_no_curvature_to_pay_for() -> None:
    assert torch.equal(after(complete(multiplier=5.0), Still()), after(AdamW(), Still()))


def test_a_second_descent_that_fails_leaves_the_point_and_no_state() -> None:
    class Failing(Quadratic):
        def repeat(self) -> None:
            raise DivergedError("the loss is not finite there")

    descent, settings = Failing(), complete(multiplier=1.0)
    optimizer = settings.build(descent.named)
    with pytest.raises(DivergedError, match="not finite there"):
        settings.take(optimizer, descent, 1)
    assert descent.theta.tolist() == [1, 1]
    assert not optimizer.state


@pytest.mark.parametrize("given", [{"radius": 0.0}, {"radius": -1.0}, {"multiplier": -0.1}, {"radius": float("inf")}])
def test_a_radius_of_nothing_and_a_negative_price_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=rf"Lagrangian\.{next(iter(given))}: "):
        complete(**given)
