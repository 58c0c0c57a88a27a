"""Quadratic programs on the simplex with a floor.

Legend: K variables.
"""

import torch
from torch import Tensor

RELEASE = 1e-12
"""A bound is let go where its multiplier is more negative than this, relative to the right side."""


def minimise_on_simplex(matrix: Tensor, right: Tensor, floor: float, start: Tensor) -> Tensor:
    """Minimise ½ xᵀMx − bᵀx over x ≥ f, Σ x = Σ start, by a primal active set.

    At the minimum there is a μ with M x − b = μ where x is free, and M x − b ≥ μ where the floor binds it. Every
    iterate is feasible and the value never rises, so that a search cut short by rounding is still a good answer.

    Source: Nocedal and Wright, "Numerical Optimization", 2006, Algorithm 16.3.

    Args:
        matrix: (K, K) M, symmetric positive definite.
        right: (K,) b.
        floor: f.
        start: (K,) a feasible point.

    Returns:
        (K,) x.

    Example:
        >>> one = torch.ones(2, dtype=torch.float64)
        >>> minimise_on_simplex(torch.diag(torch.tensor([1.0, 3.0]).double()), 0 * one, 0.0, one / 2).tolist()
        [0.75, 0.25]
    """
    total, x = start.sum(), start.clone()
    spare = total - floor * len(x)
    if spare <= RELEASE * total:  # the floors take it all
        return torch.full_like(x, max(floor, total.item() / len(x)))
    held = x <= floor
    tolerance = RELEASE * (1 + right.abs().max() + (matrix @ x).abs().max())
    for _ in range(20 * len(x)):
        if held.all():
            held[(matrix @ x - right).argmin()] = False
        target, level = _minimise_free(matrix, right, held, floor, total)
        below = ~held & (target < floor)
        if not below.any():
            x = target
            pull = torch.where(held, matrix @ x - right - level, torch.inf)
            if pull.min() >= -tolerance:
                break
            held[pull.argmin()] = False
            continue
        step = torch.where(below, (x - floor) / (x - target), torch.inf)
        x = torch.where(held, x, x + step.min() * (target - x)).clamp(min=floor)
        held[step.argmin()] = True
    above = x - floor
    return floor + above * (spare / above.sum())


def _minimise_free(matrix: Tensor, right: Tensor, held: Tensor, floor: float, total: Tensor) -> tuple[Tensor, Tensor]:
    """Return the minimum with held variables at the floor and free ones bound only by their sum, and its μ."""
    free = ~held
    sides = torch.stack([right[free] - matrix[free][:, held].sum(1) * floor, torch.ones_like(right[free])], dim=1)
    by_right, by_one = torch.linalg.solve(matrix[free][:, free], sides).unbind(1)
    level = (total - floor * int(held.sum()) - by_right.sum()) / by_one.sum()
    x = torch.full_like(right, floor)
    x[free] = by_right + level * by_one
    return x, level
