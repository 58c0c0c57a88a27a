"""A slow minimum on the simplex with a floor: accelerated projected gradients, by autograd, in float64."""

from collections.abc import Callable

import torch
from torch import Tensor


def project(point: Tensor, floor: float, total: float = 1.0) -> Tensor:
    """The nearest x ≥ floor with Σ x = total, by bisection on the shift."""
    low, high = (point - total).min() - 1, point.max() + 1
    for _ in range(100):
        shift = (low + high) / 2
        if (point - shift).clamp(min=floor).sum() > total:
            low = shift
        else:
            high = shift
    return (point - high).clamp(min=floor)


def minimise(objective: Callable[[Tensor], Tensor], start: Tensor, floor: float, rounds: int = 3000) -> Tensor:
    """The minimum of a smooth convex function; its steepest curvature is measured, not given."""
    hessian = torch.autograd.functional.hessian(objective, start)
    rate = 1 / torch.linalg.eigvalsh(hessian).max().item()
    x, ahead, momentum = start, start, 1.0
    for _ in range(rounds):
        leaf = ahead.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(objective(leaf), leaf)
        new = project(ahead - rate * gradient, floor)
        if (new - x) @ (ahead - new) > 0:
            momentum = 1.0  # restart
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = new + (momentum - 1) / following * (new - x)
        if (new - x).abs().max() < 1e-15 and (new - project(new - rate * gradient, floor)).abs().max() < 1e-12:
            return new
        x, momentum = new, following
    return x
