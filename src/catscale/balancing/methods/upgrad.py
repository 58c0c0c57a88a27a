"""UPGrad: each gradient projected so that no task is harmed, then averaged.

Source: Quinton and Rey, "Jacobian Descent for Multi-Objective Optimization", 2024, Eq. 3 and Proposition 1.

Legend: K tasks in the step, G_ij = ⟨g_i, g_j⟩, e_i unit vectors.

    w = (1/K) Σ_i argmin { vᵀGv : v ≥ e_i }
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.methods.gramian_method import GramianMethod
from catscale.balancing.methods.nonnegative import project_on_dual_cone


class UPGrad(GramianMethod):
    """Projects each task's gradient onto the dual cone of all of them, and takes the mean.

    The weights are those of the mean: 1/K each where nothing conflicts, never less.

    Differences from the paper: none in the problem; the authors' code (TorchJD's `UPGradWeighting`) adds 1e-4 of the
    trace of G to its diagonal, which lets long gradients harm short ones (a hundredth of the length is enough). Here
    gradients are divided by their norms first, which changes nothing in the exact solution, and `ridge` is small.

    Attributes:
        ridge: Relative to each ‖g_n‖²; decides between the solutions of dependent gradients, and is then left out.
    """

    method: Literal["upgrad"] = "upgrad"
    ridge: float = Field(default=1e-10, gt=0, le=1e6, allow_inf_nan=False)

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """Return (K,) weights ≥ 1/K."""
        size = len(gramian)
        return project_on_dual_cone(gramian, torch.eye(size, dtype=gramian.dtype) / size, self.ridge).sum(0)
