"""Dynamic weight averaging: more weight to the tasks whose loss decreases least.

Source: Liu, Johns and Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019, Eq. 7.

Legend: N tasks, K tasks in the step, L̄_n mean loss of task n over a window of its steps, t windows.

    r_n = L̄_n(t−1) / L̄_n(t−2)                                     1 before there are two windows
    w_n = K exp(r_n / T) / Σ_k exp(r_k / T)
"""

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Signals
from catscale.balancing.methods.loss_method import LossMethod, finite_losses
from catscale.balancing.methods.loss_windows import LossWindows
from catscale.settings import LARGE, STEPS


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

    def init(self, n_tasks: int) -> LossWindows:
        """Return the first state: no losses."""
        return LossWindows.start(n_tasks)

    def weights(self, state: LossWindows, task_ids: Tensor) -> Tensor:
        """Return (K,) weights with sum K."""
        rates = (state.newer / state.older)[task_ids]
        rates = torch.where(rates.isnan(), torch.ones_like(rates), rates)
        return len(rates) * (rates / self.temperature).softmax(0)

    def step(self, state: LossWindows, signals: Signals) -> tuple[Tensor, LossWindows]:
        """Return the present weights, and the state in which full windows became the newer means.

        Raises:
            DivergedError: If a loss is not finite.
        """
        following = state.add(signals.task_ids, finite_losses(signals), self.interval)
        return self.weights(state, signals.task_ids), following

    def describe(self, state: LossWindows) -> dict[str, Any]:
        """Return all N ratios r_n, 1 before they exist."""
        return {"loss_ratios": (state.newer / state.older).nan_to_num(nan=1.0).tolist()}
