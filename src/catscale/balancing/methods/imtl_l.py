"""IMTL-L: each task's loss is multiplied by a factor that is learned with the model, until all of them are 1.

Source: Liu et al., "Towards Impartial Multi-task Learning", ICLR 2021, its loss balance, in TorchJD's notation
(`IMTLL`).

Legend: N tasks, K tasks in the step, L_n losses, s_n learned, w_n weights.

    min over θ, s:  Σ_n exp(s_n) L_n − s_n
    w_n = exp(s_n),   ∂/∂s_n = exp(s_n) L_n − 1        (s_n rests at −log L_n, where w_n L_n = 1)
"""

from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Signals
from catscale.balancing.methods.adam import LearnedState, adam_start, adam_step
from catscale.balancing.methods.loss_method import LossMethod, finite_losses


class IMTLL(LossMethod):
    """Weights that end at the inverse of the losses: all weighted losses are 1.

    The weights are those of the sum of losses: 1 each at the start. Where they rest they are twice those of
    `uncertainty`, which is the same objective but for that factor.

    Differences from the paper: s has an Adam of its own, where the paper learns it with the model's optimiser.

    Attributes:
        learning_rate: The learning rate of s_n, in each step that holds task n.
    """

    method: Literal["imtl_l"] = "imtl_l"
    learning_rate: float = Field(default=1e-3, ge=0, le=1, allow_inf_nan=False)

    def init(self, n_tasks: int) -> LearnedState:
        """Return the first state: every s_n = 0."""
        return LearnedState(**adam_start(n_tasks))

    def weights(self, state: LearnedState, task_ids: Tensor) -> Tensor:
        """Return (K,) exp(s_n)."""
        return state.values[task_ids].exp()

    def step(self, state: LearnedState, signals: Signals) -> tuple[Tensor, LearnedState]:
        """Return the present weights, and the state with s_n of the present tasks moved for the steps that follow.

        Raises:
            DivergedError: If a loss is not finite.
        """
        weights = self.weights(state, signals.task_ids)
        slope = weights * finite_losses(signals) - 1
        return weights, LearnedState(**adam_step(state, signals.task_ids, slope, self.learning_rate, 0.0))

    def describe(self, state: LearnedState) -> dict[str, Any]:
        """Return all N logarithms s_n of the factors."""
        return {"log_factors": state.values.tolist()}
