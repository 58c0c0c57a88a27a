"""CAGrad: the worst task improves as much as it can, near the mean gradient.

Source: Liu et al., "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS 2021, Algorithm 1.

Legend: K tasks in the step, g_n gradient of task n, g_0 their mean, g_w = Σ w_n g_n for w on the simplex.

    max_d min_n ⟨g_n, d⟩   subject to  ‖d − g_0‖ ≤ c ‖g_0‖

    d = g_0 + c ‖g_0‖ g_w / ‖g_w‖,   w = argmin over the simplex of  ⟨g_w, g_0⟩ + c ‖g_0‖ ‖g_w‖
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from catscale.balancing.gramian_method import GramianMethod, GramianState
from catscale.balancing.torchjd_weighting import torchjd_weighting


class CAGrad(GramianMethod):
    """Moves the mean gradient, within a ball, to where the worst task gains most.

    The weights are those of d: 1/K + c ‖g_0‖ / ‖g_w‖ · w_n.

    Differences from the paper: none known in the update, which is TorchJD's `CAGradWeighting`; the authors' code
    divides d by 1 + c² (or 1 + c), which is a constant under Adam, and solves for w by SLSQP, TorchJD by CLARABEL.
    Where ‖g_w‖ is below 1e-4 of the root of tr G, every direction harms a task, and the weights are equal.

    Attributes:
        radius: c, in [0, 1); 0 is the mean gradient, towards 1 the worst task alone counts.
    """

    method: Literal["cagrad"] = "cagrad"
    radius: float = Field(default=0.5, ge=0, lt=1, allow_inf_nan=False)
    precision: ClassVar[float] = 1e-4

    def init(self, n_tasks: int) -> GramianState:
        """No steps.

        Raises:
            ConfigError: If TorchJD or cvxpy is not installed.
        """
        torchjd_weighting("CAGradWeighting", c=self.radius)
        return GramianState()

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """(K,) weights, ≥ 1/K up to the solver's tolerance."""
        return torchjd_weighting("CAGradWeighting", c=self.radius)(gramian).clamp(min=0)
