"""IMTL-G: the combined gradient has the same projection on every task's gradient.

Source: Liu et al., "Towards Impartial Multi-task Learning", ICLR 2021, the closed form of IMTL-G.

Legend: K tasks in the step, g_n gradient of task n, d_n = ‖g_n‖, G = diag(d) U diag(d).

    ⟨Σ_k w_k g_k, g_n / d_n⟩ equal for all n, Σ w = 1:   G w ∝ d,   w ∝ diag(1/d) U⁺ 1
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from catscale.balancing.methods.gramian_method import GramianMethod, cosines, zero_eigenvalue


class IMTLG(GramianMethod):
    """Combines the gradients so that all tasks' unit gradients have the same projection on the result.

    The weights sum to 1, and single ones may be negative; with three tasks or more nothing bounds them where
    1ᵀ diag(1/d) U⁺ 1 is near 0, and where it is negative the closed form of the paper climbs every loss.

    Differences from the paper: a pseudo-inverse where gradients are linearly dependent, as in TorchJD's
    `IMTLGWeighting`, of the cosines U in place of G: the same weights where G is regular, and precise over any range
    of norms; where it is not, dependent tasks contribute d-independent shares. Eigenvalues of U below K times
    float32's rounding count as 0: their inverse would be noise.
    """

    method: Literal["imtl_g"] = "imtl_g"
    signed: ClassVar[bool] = True

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """Return (K,) weights with sum 1, or zeros if no combination but 0 has equal projections."""
        unit, norms = cosines(gramian)
        inverse = torch.linalg.pinv(unit, atol=zero_eigenvalue(unit), hermitian=True)
        shares = inverse.sum(1) / norms
        total = shares.sum()
        return shares / total if total.abs() > 1e-12 * shares.abs().max() else torch.zeros_like(shares)
