"""Uncertainty weighting: each task's loss is divided by a temperature that is learned with the model.

Source: Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and
Semantics", CVPR 2018, Eq. 10 (a softmax likelihood), with s = log σ².

Legend: N tasks, K tasks in the step, L_n losses, s_n learned, w_n weights.

    min over θ, s:  Σ_n exp(−s_n) L_n + s_n / 2
    w_n = exp(−s_n),   ∂/∂s_n = ½ − exp(−s_n) L_n        (s_n rests at log 2 L_n, where w_n = 1 / (2 L_n))
"""

from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Signals
from catscale.balancing.methods.adam import LearnedState, adam_start, adam_step
from catscale.balancing.methods.loss_method import LossMethod, finite_losses


class Uncertainty(LossMethod):
    """Weights that end at the inverse of the losses.

    The weights are those of the sum of losses: 1 each at the start.

    Differences from the paper: s has an Adam of its own, where the paper learns it with the model's optimiser. With
    s − log 2 in place of s this is TorchJD's and LibMTL's `UW`, the paper's form for a Gaussian likelihood.

    Attributes:
        learning_rate: The learning rate of s_n, in each step that holds task n.
    """

    method: Literal["uncertainty"] = "uncertainty"
    learning_rate: float = Field(default=1e-3, ge=0, le=1, allow_inf_nan=False)

    def init(self, n_tasks: int) -> LearnedState:
        """Return the first state: every s_n = 0."""
        return LearnedState(**adam_start(n_tasks))

    def weights(self, state: LearnedState, task_ids: Tensor) -> Tensor:
        """Return (K,) exp(−s_n)."""
        return (-state.values[task_ids]).exp()

    def step(self, state: LearnedState, signals: Signals) -> tuple[Tensor, LearnedState]:
        """Return the present weights, and the state with s_n of the present tasks moved for the steps that follow.

        Raises:
            DivergedError: If a loss is not finite.
        """
        weights = self.weights(state, signals.task_ids)
        slope = 0.5 - weights * finite_losses(signals)
        return weights, LearnedState(**adam_step(state, signals.task_ids, slope, self.learning_rate, 0.0))

    def describe(self, state: LearnedState) -> dict[str, Any]:
        """Return all N log variances s_n."""
        return {"log_variances": state.values.tolist()}
