"""Mean losses of windows of steps, kept for each task by itself.

Legend: N tasks, K tasks in the step, L̄_n mean loss of task n over a window of its steps, t windows.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from catscale.balancing.contract import State


@dataclass(frozen=True)
class LossWindows(State):
    """Means of two windows, and the sums of the present one; all (N,) float64.

    A window ends for each task by itself, since not all tasks are in every step.

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

    @classmethod
    def start(cls, n_tasks: int) -> Self:
        """Return windows without losses."""
        zeros = torch.zeros(n_tasks, dtype=torch.float64)
        nothing = torch.full_like(zeros, torch.nan)
        return cls(zeros, zeros, nothing, nothing)

    def add(self, tasks: Tensor, losses: Tensor, interval: int) -> Self:
        """Return the windows with the losses of one step; full ones become the newer means.

        Args:
            tasks: (K,) ids.
            losses: (K,) float64.
            interval: Steps of a task in a window.
        """
        sums = self.sums.index_add(0, tasks, losses)
        counts = self.counts.index_add(0, tasks, torch.ones(len(tasks), dtype=torch.float64))
        full = counts >= interval
        return type(self)(
            sums=torch.where(full, 0.0, sums),
            counts=torch.where(full, 0.0, counts),
            newer=torch.where(full, sums / counts, self.newer),
            older=torch.where(full, self.newer, self.older),
        )
