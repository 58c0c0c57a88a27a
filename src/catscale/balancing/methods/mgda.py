"""MGDA: the min-norm point of the gradients' convex hull.

Source: Sener and Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018, Eq. 3; Désidéri 2012.

Legend: K tasks in the step, g_n gradient of task n, G_ij = ⟨g_i, g_j⟩.

    w = argmin { ‖Σ w_n g_n‖² = wᵀGw : w ≥ 0, Σ w = 1 }

At the minimum (Gw)_n ≥ wᵀGw, with equality where w_n > 0. The same w, but for its sum, solves the non-negative least
squares problem  min { wᵀGw + s (1ᵀw − 1)² : w ≥ 0 }  for any s > 0. With G = diag(d) U diag(d), s = min d_n² and
w = y / d this is  min { yᵀUy + (uᵀy − √s)² : y ≥ 0 },  u = √s / d, where all numbers are of order 1 whatever the norms;
an active set ends in finitely many steps (`catscale.balancing.methods.nonnegative`).
"""

from typing import Literal

import torch
from torch import Tensor

from catscale.balancing.methods.gramian_method import GramianMethod, cosines
from catscale.balancing.methods.nonnegative import lift_matrix, minimise_nonnegative


class MGDA(GramianMethod):
    """Steps along the shortest vector of the convex hull of the gradients, which harms no task.

    The weights are ≥ 0 and sum to 1.

    Differences from the paper: the point is exact, where the paper's Frank-Wolfe iteration (and TorchJD's
    `MGDAWeighting`) stops after 100 rounds; gradients are not normalised first, which is one of the options of the
    authors' code. A task without gradient takes no part: the exact answer would stop all others.
    """

    method: Literal["mgda"] = "mgda"

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """Return (K,) weights on the simplex."""
        return min_norm_weights(gramian)


def min_norm_weights(gramian: Tensor) -> Tensor:
    """Return the point of the simplex where wᵀGw is least.

    Args:
        gramian: (K, K) float64, positive semi-definite, with a positive diagonal.

    Returns:
        (K,) weights ≥ 0 with sum 1; where several are minimal, one of them.
    """
    unit, norms = cosines(gramian)
    right = norms.min() / norms  # u; in units of √s the normal equations are (U + uuᵀ) y = u
    y = minimise_nonnegative(lift_matrix(unit, 0.0) + torch.outer(right, right), right, (right >= 1).to(right.dtype))
    weights = y / norms
    return weights / weights.sum()
