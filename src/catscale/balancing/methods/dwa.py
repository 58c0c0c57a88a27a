"""Dynamic weight averaging: more weight to the tasks whose loss decreases least.

Source: Liu, Johns and Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019, Eq. 7.

Legend: N tasks, K tasks in the step, L̄_n mean loss of task n over a window of its steps, t windows.

    r_n = L̄_n(t−1) / L̄_n(t−2)                                     1 before there are two windows
    w_n = K exp(r_n / T) / Σ_k exp(r_k / T)
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Signals, State
from catscale.balancing.methods.loss_method import LossMethod, finite_losses
from catscale.settings import LARGE, STEPS


@dataclass(frozen=True)
class DWAState(State):
    """Means of two windows, and the sums of the present one; all (N,) float64.

    Attributes:
        sums: Sum of the losses of task n in its present window.
        counts: Steps of task n in its present window.
        newer: L̄_n(t−1), NaN before there is one.
        older: L̄_n(t−2), NaN before there is one.
    """

    sums: Tensor
    counts: Tensor
    newer: Tensor
    older: Tensor


class DWA(LossMethod):
    """Weights by the ratio of a task's two latest mean losses.

    The weights are positive and sum to K.

    Differences from the paper: a window is `interval` steps that hold the task, where the paper averages over an
    epoch; it ends for each task by itself, since not all tasks are in every step.

    Attributes:
        interval: Steps of a task in a window.
        temperature: T; larger is more equal.
    """

    method: Literal["dwa"] = "dwa"
    interval: int = Field(default=100, ge=1, le=STEPS)
    temperature: float = Field(default=2.0, gt=0, le=LARGE, allow_inf_nan=False)

    def init(self, n_tasks: int) -> DWAState:
        """Return the first state: no losses."""
        zeros = torch.zeros(n_tasks, dtype=torch.float64)
        nothing = torch.full_like(zeros, torch.nan)
        return DWAState(zeros, zeros, nothing, nothing)

    def weights(self, state: DWAState, task_ids: Tensor) -> Tensor:
        """Return (K,) weights with sum K."""
        rates = (state.newer / state.older)[task_ids]
        rates = torch.where(rates.isnan(), torch.ones_like(rates), rates)
        return len(rates) * (rates / self.temperature).softmax(0)

    def step(self, state: DWAState, signals: Signals) -> tuple[Tensor, DWAState]:
        """Return the present weights, and the state in which full windows became the newer means.

        Raises:
            DivergedError: If a loss is not finite.
        """
        tasks = signals.task_ids
        sums = state.sums.index_add(0, tasks, finite_losses(signals))
        counts = state.counts.index_add(0, tasks, torch.ones(len(tasks), dtype=torch.float64))
        full = counts >= self.interval
        following = DWAState(
            sums=torch.where(full, 0.0, sums),
            counts=torch.where(full, 0.0, counts),
            newer=torch.where(full, sums / counts, state.newer),
            older=torch.where(full, state.newer, state.older),
        )
        return self.weights(state, tasks), following

    def describe(self, state: DWAState) -> dict[str, Any]:
        """Return all N ratios r_n, 1 before they exist."""
        return {"loss_ratios": (state.newer / state.older).nan_to_num(nan=1.0).tolist()}
