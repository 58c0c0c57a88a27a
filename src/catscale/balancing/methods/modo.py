"""MoDo: the min-norm point of the expected gradients, approached by one small step per measured Gram matrix.

Source: Chen et al., "Three-Way Trade-Off in Multi-Objective Learning: Optimization, Generalization and
Conflict-Avoidance", NeurIPS 2023 and JMLR 2024, Eq. 2.9, in TorchJD's notation (`MoDoWeighting`).

Legend: K tasks in the step, a (K,) shares, G Gram matrix over its mean length squared, γ step, ρ regulariser.

    a ← Π (a − γ (G a + ρ a)),      Π the nearest point of the simplex
"""

from typing import Literal

from pydantic import Field
from torch import Tensor

from catscale.balancing.methods.simplex_walk import SimplexWalk, project_on_simplex
from catscale.settings import LARGE


class MoDo(SimplexWalk):
    """Descends on ‖Σ a_n g_n‖² over the simplex; where MGDA trusts one batch, it averages over many.

    The weights are ≥ 0 and sum to 1.

    Differences from the paper: the paper multiplies the gradients of two independent batches; here G is that of all of
    a step, its squares corrected by two halves of it, which has the same expectation and less noise. It weights a third
    batch; here the next step is the third. G is divided by the gradients' mean length squared, so that γ and ρ have no
    unit.

    Attributes:
        step_size: γ; the default is ours.
        regulariser: ρ, towards equal weights.
    """

    method: Literal["modo"] = "modo"
    step_size: float = Field(default=0.01, ge=0, le=LARGE, allow_inf_nan=False)
    regulariser: float = Field(default=0.1, ge=0, le=LARGE, allow_inf_nan=False)

    def walk(self, shares: Tensor, gramian: Tensor) -> Tensor:
        """Return (K,) new shares."""
        return project_on_simplex(shares - self.step_size * (gramian @ shares + self.regulariser * shares))
