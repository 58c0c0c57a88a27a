"""MGDA: the min-norm point of the gradients' convex hull.

Source: Sener and Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018, Eq. 3; Désidéri 2012.

Legend: K tasks in the step, g_n gradient of task n, G_ij = ⟨g_i, g_j⟩.

    w = argmin { ‖Σ w_n g_n‖² = wᵀGw : w ≥ 0, Σ w = 1 }

At the minimum (Gw)_n ≥ wᵀGw, with equality where w_n > 0. The same w, but for its sum, solves the non-negative least
squares problem  min { wᵀGw + (1ᵀw − 1)² : w ≥ 0 },  which Lawson and Hanson's active set (1974) ends in finitely
many steps.
"""

from typing import Literal

import torch
from torch import Tensor

from catscale.balancing.gramian_method import GramianMethod

TOLERANCE = 1e-13
"""Of the multipliers, which are at most 1: about 450 times float64's rounding."""


class MGDA(GramianMethod):
    """Steps along the shortest vector of the convex hull of the gradients, which harms no task.

    The weights are ≥ 0 and sum to 1.

    Differences from the paper: the point is exact, where the paper's Frank-Wolfe iteration (and TorchJD's
    `MGDAWeighting`) stops after 100 rounds; gradients are not normalised first, which is one of the options of the
    authors' code. A task without gradient takes no part: the exact answer would stop all others.

    Attributes:
        granularity: See `GramianSettings`.
        losses: What L_n is, see `Method`.
    """

    method: Literal["mgda"] = "mgda"

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """(K,) weights on the simplex."""
        return min_norm_weights(gramian)


def min_norm_weights(gramian: Tensor) -> Tensor:
    """The point of the simplex where wᵀGw is least.

    Args:
        gramian: (K, K) float64, positive semi-definite, elements of order 1 or less.

    Returns:
        (K,) weights ≥ 0 with sum 1; where several are minimal, one of them.
    """
    matrix = gramian + 1  # the normal equations of the least squares problem: (G + 11ᵀ) w = 1
    weights = torch.zeros(len(matrix), dtype=gramian.dtype)
    free = torch.zeros(len(matrix), dtype=torch.bool)
    entering = int(gramian.diagonal().argmin())
    for _ in range(3 * len(matrix)):
        free[entering] = True
        weights = _solve_free(matrix, weights, free)
        multipliers = 1 - matrix @ weights
        multipliers[free] = -torch.inf
        entering = int(multipliers.argmax())
        if multipliers[entering] <= TOLERANCE:
            break
    return weights / weights.sum()


def _solve_free(matrix: Tensor, weights: Tensor, free: Tensor) -> Tensor:
    """Least squares over the free weights, kept ≥ 0; those that reach 0 are no longer free (`free` is changed)."""
    while True:
        wanted = torch.zeros_like(weights)
        right = torch.ones(int(free.sum()), 1, dtype=matrix.dtype)
        wanted[free] = torch.linalg.lstsq(matrix[free][:, free], right, driver="gelsd").solution[:, 0]
        leaving = free & (wanted <= 0)
        if not leaving.any():
            return wanted
        fraction = (weights / (weights - wanted))[leaving].min()
        weights = weights + fraction * (wanted - weights)
        free &= ~(leaving & (weights <= TOLERANCE))
        weights = torch.where(free, weights, torch.zeros_like(weights))
