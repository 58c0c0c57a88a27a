"""UPGrad: each gradient projected so that no task is harmed, then averaged.

Source: Quinton and Rey, "Jacobian Descent for Multi-Objective Optimization", 2024, Eq. 3 and Proposition 1.

Legend: K tasks in the step, G_ij = ⟨g_i, g_j⟩, e_i unit vectors.

    w = (1/K) Σ_i argmin { vᵀGv : v ≥ e_i }
"""

from typing import Literal

from pydantic import Field
from torch import Tensor

from catscale.balancing.gramian_method import GramianMethod, GramianState
from catscale.balancing.torchjd_weighting import torchjd_weighting


class UPGrad(GramianMethod):
    """Projects each task's gradient onto the dual cone of all of them, and takes the mean.

    The weights are those of the mean: 1/K each where nothing conflicts, never less.

    Differences from the paper: the quadratic programmes are solved, by TorchJD's `UPGradWeighting` and quadprog, for
    G / tr G + `ridge` · I.

    Attributes:
        ridge: Keeps the quadratic programmes definite; relative to the trace of G.
    """

    method: Literal["upgrad"] = "upgrad"
    ridge: float = Field(default=1e-4, gt=0, allow_inf_nan=False)

    def init(self, n_tasks: int) -> GramianState:
        """No steps.

        Raises:
            ConfigError: If TorchJD or quadprog is not installed.
        """
        torchjd_weighting("UPGradWeighting")
        return GramianState()

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """(K,) weights ≥ 1/K."""
        weighting = torchjd_weighting("UPGradWeighting")
        weighting.projector.reg_eps = self.ridge  # type: ignore[attr-defined]
        return weighting(gramian)
