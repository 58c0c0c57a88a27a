"""The state of CATS; the symbols are those of `catscale.balancing.methods.cats`."""

from dataclasses import dataclass

from torch import Tensor

from catscale.balancing.contract import State


@dataclass(frozen=True)
class CATSState(State):
    """Weights and multipliers, all float64.

    Attributes:
        alpha: (N,) task weights α, ≥ 0.
        floor_multipliers: (N,) λ_n, ≥ 0.
        curvature_multiplier: () λ_c, ≥ 0.
        simplex_multiplier: () λ_s, ≥ 0.
        curvature: () curvature at the latest update, before it; NaN before the first.
        statistics: (N, N) smoothed Gram matrix, or (N,) smoothed products, NaN where nothing was seen yet;
            (0,) without smoothing.
        steps: Steps taken, whether or not α moved.
    """

    alpha: Tensor
    floor_multipliers: Tensor
    curvature_multiplier: Tensor
    simplex_multiplier: Tensor
    curvature: Tensor
    statistics: Tensor
    steps: int = 0
