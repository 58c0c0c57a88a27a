"""FAMO: all losses decrease at the same relative rate, from the losses alone.

Source: Liu et al., "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023, Algorithms 1 and 2.

Legend: N tasks, K tasks in the step, L_n loss of the step, L'_n loss of task n at its latest earlier step, ξ_n logits.

    z   = softmax(ξ)
    w_n = (z_n / L'_n) / Σ_k (z_k / L'_k)                        gradient of Σ z_n log L_n, made a convex combination
    δ_n = log L'_n − log L_n
    ξ  ← Adam step along  ∂/∂ξ Σ z_n δ_n = z_n (δ_n − Σ_k z_k δ_k),  with weight decay

Sums and softmax run over the K tasks of the step; in the last line over those of them that were seen before.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Signals
from catscale.balancing.methods.adam import LearnedState, adam_start, adam_step
from catscale.balancing.methods.loss_method import LossMethod, finite_losses


@dataclass(frozen=True)
class FAMOState(LearnedState):
    """Logits ξ (the values), Adam's memory and the latest losses.

    Attributes:
        latest_losses: (N,) float64 L'_n, NaN before task n was seen.
    """

    latest_losses: Tensor


class FAMO(LossMethod):
    """Gives weight to the tasks whose loss decreases least, in proportion.

    The weights are ≥ 0 and sum to 1.

    Differences from the paper: δ_n compares a task's loss with its loss in its latest earlier step, on another
    batch; the paper evaluates the same batch again after the update, one more forward pass. So δ_n contains the
    difference of two batches: noise of mean 0, which Adam and `learning_rate` have to average. And 1 / L_n in w_n
    is of that earlier step too, so that weights are known beforehand and a step is one plain backward. A task that
    was never seen takes the geometric mean of the others' L'. The authors' code also shortens the combined gradient to
    a norm of 1 at most, and its scripts decay ξ by 0.01 or 0.001.

    Attributes:
        learning_rate: The learning rate of ξ.
        weight_decay: The decay of ξ, towards equal z.
    """

    method: Literal["famo"] = "famo"
    learning_rate: float = Field(default=0.025, ge=0, le=1, allow_inf_nan=False)
    weight_decay: float = Field(default=1e-3, ge=0, le=1e6, allow_inf_nan=False)

    def init(self, n_tasks: int) -> FAMOState:
        """Return the first state: every ξ_n = 0, no losses."""
        return FAMOState(**adam_start(n_tasks), latest_losses=torch.full((n_tasks,), torch.nan, dtype=torch.float64))

    def weights(self, state: FAMOState, task_ids: Tensor) -> Tensor:
        """Return (K,) convex weights."""
        logs = state.latest_losses[task_ids].log()
        logs = torch.where(logs.isnan(), logs.nanmean().nan_to_num(), logs)
        return (state.values[task_ids] - logs).softmax(0)

    def step(self, state: FAMOState, signals: Signals) -> tuple[Tensor, FAMOState]:
        """Return the present weights, and the state with ξ moved for the steps that follow.

        Raises:
            DivergedError: If a loss is not finite.
        """
        tasks = signals.task_ids
        losses = finite_losses(signals)
        weights = self.weights(state, tasks)
        gains = state.latest_losses[tasks].log() - losses.log()
        seen = ~gains.isnan()
        shares = state.values[tasks][seen].softmax(0)
        slope = shares * (gains[seen] - shares @ gains[seen])
        learned = adam_step(state, tasks[seen], slope, self.learning_rate, self.weight_decay)
        return weights, FAMOState(**learned, latest_losses=state.latest_losses.index_copy(0, tasks, losses))

    def describe(self, state: FAMOState) -> dict[str, Any]:
        """Return all N logits ξ_n."""
        return {"logits": state.values.tolist()}
