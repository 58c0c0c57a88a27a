"""GradNorm: weights that keep the tasks' weighted gradients equally long, longer where a task lags behind.

Source: Chen et al., "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks",
ICML 2018, Eq. 1, Eq. 2 and Algorithm 1.

Legend: N tasks, K tasks in the step, w_n weights, g_n gradient of task n over one group of parameters, L_n loss.

    r_n   = (L_n / L_n(0)) / mean_k (L_k / L_k(0))                 relative inverse training rate
    m     = mean_k w_k ‖g_k‖
    F(w)  = Σ_n | w_n ‖g_n‖ − m r_n^γ |  / m                       m and r_n held constant
    w_n  ← w_n − η ∂F/∂w_n,  ∂F/∂w_n = sign(w_n ‖g_n‖ − m r_n^γ) ‖g_n‖ / m
    w_n  ← max(w_n, floor),  then all K times one number, which gives them the sum they had before

Sums and means run over the K tasks of the step.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import MethodSettings, Request, Signals, State
from catscale.errors import DivergedError
from catscale.settings import STEPS

LEAST_LOSS = 1e-8
"""Nats per token: below it a first loss would make a rate of anything."""


@dataclass(frozen=True)
class GradNormState(State):
    """Weights and first losses.

    Attributes:
        values: (N,) float64 weights w_n > 0, with sum N.
        first_losses: (N,) float64, L_n(0) at a task's first measured step, NaN before.
        steps: Steps taken.
    """

    values: Tensor
    first_losses: Tensor
    steps: int = 0


class GradNorm(MethodSettings):
    """Learns weights by gradient descent on the differences of the weighted gradient norms.

    Weights are used as they were before the step, are positive and sum to N: those of the present tasks are
    renormalised among themselves, so that an absent task keeps its own.

    Differences from the paper: F is divided by m, so that `weight_lr` has no unit (the paper's L_grad scales with
    the gradients); w descends by plain SGD; a floor keeps w positive, which the paper leaves open; L_n(0) is a
    task's first measured loss, where the paper also offers log of the number of classes.

    Cost: in one step of `interval`, K norms over one group of parameters; all other steps cost what plain training
    costs.

    Attributes:
        interval: Steps for each update of w.
        group: Group of shared parameters over which norms are taken: "last" for the last one, null for all of them.
        gamma: γ, the paper's α: 0 asks for equal norms. Usually quoted from the paper: 1.5 for its scene benchmark,
            0.12 for its toy problems.
        weight_lr: η; the default is ours.
        weight_floor: Least w_n before the renormalisation.
        losses: The meaning of L_n, see `Method`.
    """

    method: Literal["gradnorm"] = "gradnorm"
    scale_of_weights: ClassVar[str] = "free"
    interval: int = Field(default=1, ge=1, le=STEPS)
    group: str | None = "last"
    gamma: float = Field(default=1.5, ge=0, le=1000, allow_inf_nan=False)
    weight_lr: float = Field(default=0.025, ge=0, le=1e6, allow_inf_nan=False)
    weight_floor: float = Field(default=1e-3, gt=0, lt=1, allow_inf_nan=False)
    losses: Literal["tasks", "tokens"] = "tasks"

    def init(self, n_tasks: int) -> GradNormState:
        """Return the first state: every w_n = 1."""
        ones = torch.ones(n_tasks, dtype=torch.float64)
        return GradNormState(ones, torch.full_like(ones, torch.nan))

    @property
    def measures(self) -> Request:
        """The request of a step that moves w."""
        return Request("norms", group=self.group)

    def request(self, state: GradNormState) -> Request:
        """Request the norms once in `interval` steps, in the last of them."""
        return Request() if (state.steps + 1) % self.interval else self.measures

    def weights(self, state: GradNormState, task_ids: Tensor) -> Tensor:
        """Return the (K,) w of the present tasks."""
        return state.values[task_ids]

    def step(self, state: GradNormState, signals: Signals) -> tuple[Tensor, GradNormState]:
        """Return the present weights, and the state with w moved for the steps that follow if norms were requested.

        Raises:
            DivergedError: If a loss or a norm is not finite.
        """
        tasks = signals.task_ids
        weights = self.weights(state, tasks)
        following = replace(state, steps=state.steps + 1)
        if signals.norms is None or self.request(state).kind == "nothing":
            return weights, following
        losses, norms = signals.losses.double().cpu(), signals.norms.double().cpu()
        if not (losses.isfinite().all() and norms.isfinite().all()):
            raise DivergedError(
                f"losses and gradient norms must be finite, found {losses.tolist()} and {norms.tolist()} for the tasks "
                f"with ids {tasks.tolist()} at step {state.steps + 1}; lower the learning rate"
            )
        first = state.first_losses[tasks]
        first = torch.where(first.isnan(), losses, first)
        values = self._descend(weights, losses / first.clamp(min=LEAST_LOSS), norms)
        return weights, replace(
            following,
            values=state.values.index_copy(0, tasks, values),
            first_losses=state.first_losses.index_copy(0, tasks, first),
        )

    def _descend(self, weights: Tensor, progress: Tensor, norms: Tensor) -> Tensor:
        """Return (K,) new weights.

        Args:
            weights: (K,) w.
            progress: (K,) L_n / L_n(0).
            norms: (K,) ‖g_n‖.
        """
        mean = (weights * norms).mean()
        if mean == 0 or progress.mean() == 0:
            return weights
        rates = progress / progress.mean()
        slope = torch.sign(weights * norms - mean * rates**self.gamma) * norms / mean
        moved = (weights - self.weight_lr * slope).clamp(min=self.weight_floor)
        return moved * (weights.sum() / moved.sum())

    def describe(self, state: GradNormState) -> dict[str, Any]:
        """Return all N weights."""
        return {"task_weights": state.values.tolist()}
