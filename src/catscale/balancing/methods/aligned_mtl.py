"""Aligned-MTL: the gradients' principal components, made equally long.

Source: Senushkin et al., "Independent Component Alignment for Multi-Task Learning", CVPR 2023, Algorithm 1.

Legend: K tasks in the step, G = V Λ Vᵀ of rank r, λ_r its smallest non-zero eigenvalue.

    w = √λ_r V Λ^(−1/2) Vᵀ 1/K

With G = diag(d) U diag(d) and U = E diag(u) Eᵀ, V and √Λ are the left singular vectors and the singular values of
diag(d) E √u.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from catscale.balancing.methods.gramian_method import GramianMethod, cosines, zero_eigenvalue

ROUNDING = 1e-14
"""A component of Vᵀ 1/K below it is 0: what opposed gradients leave of it is rounding."""


class AlignedMTL(GramianMethod):
    """Replaces the gradients by the nearest system of orthogonal ones of equal length, and takes the mean.

    Single weights may be negative; their scale is that of the smallest component ("min"), so that a step shrinks as
    two tasks become parallel; under Adam the scale of a whole run does not matter, its changes do.

    Differences from the paper: none known. The authors' code sums where this takes the mean, a factor of K; its
    default scale is "min" too. It takes eigenvalues of G for 0 below 1.2e-7 K of the largest, which drops a task
    whose gradient is 3,000 times shorter than another's; here the rank is that of the cosines, to the same rounding,
    so that only dependence counts. Where all of w is 0, as for opposed gradients, the weights are equal.

    Attributes:
        scale: λ in place of λ_r: the smallest ("min"), the median or the mean ("rmse") of the non-zero eigenvalues.
    """

    method: Literal["aligned_mtl"] = "aligned_mtl"
    scale: Literal["min", "median", "rmse"] = "min"
    signed: ClassVar[bool] = True

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """Return (K,) weights."""
        unit, norms = cosines(gramian)
        shares, directions = torch.linalg.eigh(unit)
        rank = int((shares > zero_eigenvalue(unit)).sum())
        # Singular values of a root of G: those of G itself would lose all that is 1e8 times shorter than the longest.
        root = norms[:, None] * directions[:, -rank:] * shares[-rank:].sqrt()
        vectors, lengths, _ = torch.linalg.svd(root, full_matrices=False)
        lengths = lengths.clamp(min=torch.finfo(lengths.dtype).tiny)
        scale = {"min": lengths[-1], "median": lengths.median(), "rmse": lengths.square().mean().sqrt()}
        along = vectors.mean(0)
        along = along.where(along.abs() > ROUNDING, 0.0)
        weights: Tensor = (scale[self.scale] / lengths) * vectors @ along
        return weights
