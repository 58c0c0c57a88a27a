"""ConFIG: the direction that makes the same angle, below 90°, with every gradient.

Source: Liu, Chu and Thuerey, "ConFIG: Towards Conflict-free Training of Physics Informed Neural Networks", ICLR 2025
(arXiv 2408.11104), Eq. 2.

Legend: K tasks in the step, g_n gradient of task n, d_n = ‖g_n‖, rows of R (K, D) the unit gradients, U = R Rᵀ their
cosines, R⁺ and U⁺ pseudo-inverses.

    v = R⁺ 1 = Rᵀ U⁺ 1,    u = v / ‖v‖,    step along  (Σ_n ⟨g_n, u⟩) u
    w = (U⁺ 1 / d) · (Σ_n d_n (U U⁺ 1)_n) / (1ᵀ U⁺ 1)

For ‖v‖² = 1ᵀ U⁺ U U⁺ 1 = 1ᵀ U⁺ 1 and ⟨g_n, v⟩ = d_n (U U⁺ 1)_n.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from catscale.balancing.methods.gramian_method import GramianMethod, cosines, zero_eigenvalue


class ConFIG(GramianMethod):
    """Steps in a direction whose cosines with all gradients are equal and positive.

    The step is as long as the sum of the gradients' projections on it: the weights are those of a sum, 1 each for
    equal orthogonal gradients; single ones may be negative. The direction is that of `imtl_g`, but for its sign, which
    there turns around where the closed form's sum is negative.

    Differences from the paper: eigenvalues of U below K times float32's rounding count as 0, as in `imtl_g`; where
    all of v is 0, as for opposed gradients, the weights are equal. M-ConFIG, which measures one task per step and keeps
    a momentum of every task's gradient, is left out: a method here sees no gradients, only their products.
    """

    method: Literal["config"] = "config"
    signed: ClassVar[bool] = True

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """Return (K,) weights, or zeros if no direction has a positive product with every gradient."""
        unit, norms = cosines(gramian)
        inverse = torch.linalg.pinv(unit, atol=zero_eigenvalue(unit), hermitian=True)
        along = inverse.sum(1)
        square = along.sum()  # ‖v‖², K or more where gradients conflict, 1 where they are one
        if square <= zero_eigenvalue(unit):
            return torch.zeros_like(along)
        weights: Tensor = along / norms * ((norms * (unit @ along)).sum() / square)
        return weights
