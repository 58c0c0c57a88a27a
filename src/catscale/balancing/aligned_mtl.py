"""Aligned-MTL: the gradients' principal components, made equally long.

Source: Senushkin et al., "Independent Component Alignment for Multi-Task Learning", CVPR 2023, Algorithm 1.

Legend: K tasks in the step, G = V Λ Vᵀ of rank r, λ_r its smallest non-zero eigenvalue.

    w = √λ_r V Λ^(−1/2) Vᵀ 1/K
"""

from typing import ClassVar, Literal

from torch import Tensor

from catscale.balancing.gramian_method import GramianMethod, GramianState
from catscale.balancing.torchjd_weighting import torchjd_weighting


class AlignedMTL(GramianMethod):
    """Replaces the gradients by the nearest system of orthogonal ones of equal length, and takes the mean.

    Single weights may be negative; their scale is that of the smallest component ("min"), so that a step shrinks as
    two tasks become parallel; under Adam the scale of a whole run does not matter, its changes do.

    Differences from the paper: none known; this is TorchJD's `AlignedMTLWeighting`. The authors' code scales by the
    mean ("rmse"). Where all of w is 0, as for opposed gradients, the weights are equal.

    Attributes:
        scale: λ in place of λ_r: the smallest ("min"), the median or the mean ("rmse") of the eigenvalues.
    """

    method: Literal["aligned_mtl"] = "aligned_mtl"
    scale: Literal["min", "median", "rmse"] = "min"
    signed: ClassVar[bool] = True

    def init(self, n_tasks: int) -> GramianState:
        """No steps.

        Raises:
            ConfigError: If TorchJD is not installed.
        """
        torchjd_weighting("AlignedMTLWeighting", scale_mode=self.scale)
        return GramianState()

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """(K,) weights."""
        return torchjd_weighting("AlignedMTLWeighting", scale_mode=self.scale)(gramian)
