"""SoftAdapt: more weight to the tasks whose loss rises, or falls least, in nats.

Source: Heydari, Thompson and Mehmood, "SoftAdapt: Techniques for Adaptive Loss Weighting of Neural Networks with
Multi-Part Loss Functions", 2019 (arXiv 1912.12355), the three variants of Section 3.1 as the first author's code has
them.

Legend: N tasks, K tasks in the step, L̄_n mean loss of task n over a window of its steps, t windows, r_n rate, β focus.

    r_n = L̄_n(t−1) − L̄_n(t−2)
    original         w_n = K exp(β r_n) / Σ_k exp(β r_k)
    normalised       the same with r_n / Σ_k |r_k|
    loss weighted    w_n = K L̄_n exp(β r_n) / Σ_k L̄_k exp(β r_k)
"""

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Signals
from catscale.balancing.methods.loss_method import LossMethod, finite_losses
from catscale.balancing.methods.loss_windows import LossWindows
from catscale.settings import LARGE, STEPS


class SoftAdapt(LossMethod):
    """Weights by the difference of a task's two latest mean losses.

    The weights are positive and sum to K.

    Differences from the paper: a rate is the difference of the means of two windows, where the paper takes a finite
    difference of up to five single losses, which between mini-batches is noise; a task without two windows has the
    mean rate of the others, 0 at first; the sum is K, where the paper's is 1. The code divides by the sum of the
    rates, sign and all, in the normalised variant, which turns the order around as long as losses fall; here by the
    sum of their sizes.

    Attributes:
        interval: Steps of a task in a window.
        focus: β; above 0 the worst task gains, below 0 the best one. In "normalised" it has no unit, else it is per
            nat.
        variant: "original", "normalised" or "loss_weighted".
    """

    method: Literal["soft_adapt"] = "soft_adapt"
    interval: int = Field(default=100, ge=1, le=STEPS)
    focus: float = Field(default=0.1, ge=-LARGE, le=LARGE, allow_inf_nan=False)
    variant: Literal["original", "normalised", "loss_weighted"] = "original"

    def init(self, n_tasks: int) -> LossWindows:
        """Return the first state: no losses."""
        return LossWindows.start(n_tasks)

    def weights(self, state: LossWindows, task_ids: Tensor) -> Tensor:
        """Return (K,) weights with sum K."""
        rates = filled(state.newer - state.older, task_ids)
        if self.variant == "normalised":
            rates = rates / rates.abs().sum().clamp(min=torch.finfo(rates.dtype).tiny)
        powers = self.focus * rates
        if self.variant == "loss_weighted":
            powers = powers + filled(state.newer.log(), task_ids)
        return len(powers) * powers.softmax(0)

    def step(self, state: LossWindows, signals: Signals) -> tuple[Tensor, LossWindows]:
        """Return the present weights, and the state in which full windows became the newer means.

        Raises:
            DivergedError: If a loss is not finite.
        """
        following = state.add(signals.task_ids, finite_losses(signals), self.interval)
        return self.weights(state, signals.task_ids), following

    def describe(self, state: LossWindows) -> dict[str, Any]:
        """Return all N rates r_n, 0 before they exist."""
        return {"rates": (state.newer - state.older).nan_to_num(nan=0.0).tolist()}


def filled(values: Tensor, task_ids: Tensor) -> Tensor:
    """Return the (K,) values of these tasks, NaN replaced by the mean of the others, by 0 where there is none."""
    chosen = values[task_ids]
    return torch.where(chosen.isnan(), chosen.nanmean().nan_to_num(), chosen)
