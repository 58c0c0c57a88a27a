"""SDMGrad: the min-norm point of the expected gradients, drawn towards the mean gradient.

Source: Xiao, Ban and Ji, "Direction-oriented Multi-objective Learning: Simple and Provable Stochastic Algorithms",
NeurIPS 2023 (arXiv 2305.18409), in TorchJD's notation (`SDMGradWeighting`).

Legend: K tasks in the step, a (K,) shares, ã equal shares, G Gram matrix over its mean length squared, λ pull,
η step size, m momentum, v velocity.

    `iterations` times, v = 0 at first:   v ← m v + G (a + λ ã),   a ← Π (a − η v)
    w = (a + λ ã) / (1 + λ)
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.methods.simplex_walk import SimplexWalk, project_on_simplex
from catscale.settings import LARGE


class SDMGrad(SimplexWalk):
    """Descends on ‖Σ (a_n + λ/K) g_n‖² over the simplex: λ = 0 is MGDA's point, a large λ the mean.

    The weights are ≥ λ / ((1 + λ) K) and sum to 1.

    Differences from the paper: those of `modo`: G of one step with its squares corrected by halves, in place of two
    batches; the next step in place of the third. The defaults are TorchJD's, but for the number of iterations (20
    there) and the step size (10 there), which on the G of one noisy step is its own min-norm point, noise and all.

    Attributes:
        pull: λ.
        step_size: η; the default is ours.
        momentum: m, within the iterations of one measured step.
        iterations: Steps of a for each measured G.
    """

    method: Literal["sdmgrad"] = "sdmgrad"
    pull: float = Field(default=0.3, ge=0, le=LARGE, allow_inf_nan=False)
    step_size: float = Field(default=0.01, ge=0, le=LARGE, allow_inf_nan=False)
    momentum: float = Field(default=0.5, ge=0, lt=1, allow_inf_nan=False)
    iterations: int = Field(default=1, ge=1, le=1000)

    def walk(self, shares: Tensor, gramian: Tensor) -> Tensor:
        """Return (K,) new shares."""
        velocity = torch.zeros_like(shares)
        for _ in range(self.iterations):
            velocity = self.momentum * velocity + gramian @ (shares + self.pull / len(shares))
            shares = project_on_simplex(shares - self.step_size * velocity)
        return shares

    def combine(self, shares: Tensor) -> Tensor:
        """Return (K,) (a + λ ã) / (1 + λ)."""
        return (shares + self.pull / len(shares)) / (1 + self.pull)
