"""SAM for repeated tasks alone: a task climbs once the run has gone through its training pairs more than once.

Legend: θ all trainable parameters, L_n loss of task n, ρ the radius, E the epochs over which it grows, w_n the weights
that the balancing method found for the g_n.

    ρ_n = ρ √(min(1, (epochs_n − 1)₊ / E))
    g_n = ∇L_n(θ);   e_n = ρ_n g_n / (‖g_n‖ + 1e-12)
    θ   ← AdamW(θ, clip(Σ w_n ∇L_n(θ + e_n)))                g_n itself, without a second pass, where ρ_n is 0

Source: ours. What is read for the first time cannot be memorised yet, and what is repeated often is what flatness is
wanted for; the price is the share of the repeated tasks in the tokens of a step.
"""

import math
from typing import ClassVar, Literal

from pydantic import Field

from catscale.optimisation.flat import ClimbingTasks


class RepeatedSAM(ClimbingTasks):
    """AdamW on gradients that are taken at the worst point nearby for tasks that are repeated, at θ for the others.

    Cost: a step after `from` takes 1 plus the repeated tasks' share of its tokens times the time of a plain one, and
    the memory of `flat`.

    Attributes:
        over_epochs: E, epochs beyond the first after which ρ_n is ρ.
    """

    with_same_weights: ClassVar[bool] = True
    method: Literal["sam_repeated"] = "sam_repeated"
    start: float = Field(default=0.0, ge=0, le=1, alias="from")
    over_epochs: float = Field(default=10.0, gt=0, le=1e6)

    def radius(self, epochs: float) -> float:
        """Return ρ_n of a task whose pairs the run has gone through `epochs` times."""
        return self.rho * math.sqrt(min(1.0, max(0.0, epochs - 1) / self.over_epochs))
