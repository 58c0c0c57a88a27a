"""Least squares over non-negative numbers, and the projection of gradients onto their dual cone.

Legend: K tasks, g_n gradients, G (K, K) their Gram matrix, U their cosines, d_n = ‖g_n‖, G = diag(d) U diag(d).
"""

import torch
from torch import Tensor

from catscale.balancing.methods.gramian_method import cosines

TOLERANCE = 1e-13
"""The tolerance for the multipliers, which are at most about 1: about 450 times float64's rounding."""


def minimise_nonnegative(matrix: Tensor, right: Tensor, start: Tensor, is_definite: bool = False) -> Tensor:
    """Minimise ½ yᵀMy − rᵀy over y ≥ 0 by the active set of Lawson and Hanson (1974).

    Args:
        matrix: (K, K) M, positive semi-definite, of order 1.
        right: (K,) r, of order 1.
        start: (K,) a first guess ≥ 0; the result does not depend on it where M is definite.
        is_definite: Whether M is known to be definite, which is a little faster.

    Returns:
        (K,) y; where several are minimal, one of them.

    Example:
        >>> minimise_nonnegative(torch.eye(2), torch.tensor([3.0, -1.0]), torch.zeros(2)).tolist()
        [3.0, 0.0]
    """
    free = start > 0
    y = _solve_free(matrix, right, start, free, is_definite) if free.any() else start
    for _ in range(3 * len(right)):
        multipliers = right - matrix @ y
        multipliers[free] = -torch.inf
        entering = int(multipliers.argmax())
        if multipliers[entering] <= TOLERANCE:
            break
        free[entering] = True
        y = _solve_free(matrix, right, y, free, is_definite)
    return y


def _solve_free(matrix: Tensor, right: Tensor, start: Tensor, free: Tensor, is_definite: bool) -> Tensor:
    """Solve least squares over the free numbers, kept ≥ 0; those that reach 0 are removed from `free`."""
    y = start
    for _ in range(len(y)):
        wanted = torch.zeros_like(y)
        part, side = matrix[free][:, free], right[free, None]
        if is_definite:
            wanted[free] = torch.linalg.solve(part, side)[:, 0]
        else:
            wanted[free] = torch.linalg.lstsq(part, side, driver="gelsd").solution[:, 0]
        leaving = free & (wanted <= 0)
        if not leaving.any():
            return wanted
        fraction = torch.where(y > 0, y / (y - wanted), 0.0)[leaving].min()
        y = y + fraction * (wanted - y)
        free &= ~(leaving & (y <= TOLERANCE))
        y = torch.where(free, y, 0.0)
    return y


def lift_matrix(unit: Tensor, ridge: float) -> Tensor:
    """Return U + (ρ + 2 max(0, −λ)) · I, λ the least eigenvalue, which rounding of the products makes negative.

    Args:
        unit: (K, K) U.
        ridge: ρ.
    """
    least = float(torch.linalg.eigvalsh(unit)[0])
    return unit + (ridge + 2 * max(0.0, -least)) * torch.eye(len(unit), dtype=unit.dtype)


def project_on_dual_cone(gramian: Tensor, coefficients: Tensor, ridge: float) -> Tensor:
    """Return the nearest vector to each Σ c_n g_n that has no negative product with any g_n.

        argmin { vᵀGv : v ≥ c }  =  c + x / d,    x = argmin { xᵀUx / 2 + xᵀ U (d c) : x ≥ 0 }

    The vectors are divided by their norms before they are compared, so that no gradient is too short to count.

    Args:
        gramian: (K, K) float64 with a positive diagonal.
        coefficients: (I, K) c of I vectors.
        ridge: Added to the diagonal of U to find out which x_n are 0, of which there is a choice where gradients are
            dependent; the x that are left solve the problem without it.

    Returns:
        (I, K) v ≥ c.
    """
    unit, norms = cosines(gramian)
    exact, definite = lift_matrix(unit, 0.0), lift_matrix(unit, ridge)
    found = []
    for scaled in coefficients * norms:
        size = scaled.abs().max().clamp(min=torch.finfo(scaled.dtype).tiny)
        right = -(exact @ (scaled / size))
        nearly = minimise_nonnegative(definite, right, right.clamp(min=0), is_definite=True)
        found.append(minimise_nonnegative(exact, right, nearly) * size)
    return coefficients + torch.stack(found) / norms
