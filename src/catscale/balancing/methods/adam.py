"""Adam on the few numbers that a balancing method learns, one per task; absent tasks stay where they are.

Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, Algorithm 1; weight decay is added to
the gradient, as in `torch.optim.Adam`.

Legend: N tasks, K tasks in the step, x values, ∇ their gradient, m, v moments, t steps of a task.

    ∇ ← ∇ + decay · x
    m ← β₁ m + (1 − β₁) ∇,   v ← β₂ v + (1 − β₂) ∇²
    x ← x − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from catscale.balancing.contract import State

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class LearnedState(State):
    """Learned values and Adam's memory of them.

    Attributes:
        values: (N,) float64 x.
        first_moments: (N,) float64 m.
        second_moments: (N,) float64 v.
        updates: (N,) float64 t, the updates of each task.
    """

    values: Tensor
    first_moments: Tensor
    second_moments: Tensor
    updates: Tensor


def adam_start(n_tasks: int) -> dict[str, Tensor]:
    """Return the fields of a `LearnedState` before the first step: zeros."""
    names = ("values", "first_moments", "second_moments", "updates")
    return {name: torch.zeros(n_tasks, dtype=torch.float64) for name in names}


def adam_step(state: LearnedState, tasks: Tensor, gradient: Tensor, rate: float, decay: float) -> dict[str, Tensor]:
    """Return the fields of the state after one update of the present tasks.

    Args:
        state: Values and moments.
        tasks: (K,) ids of the tasks that move.
        gradient: (K,) ∇.
        rate: η.
        decay: Weight decay.
    """
    values = state.values[tasks]
    gradient = gradient + decay * values
    first = BETA_1 * state.first_moments[tasks] + (1 - BETA_1) * gradient
    second = BETA_2 * state.second_moments[tasks] + (1 - BETA_2) * gradient**2
    updates = state.updates[tasks] + 1
    width = (second / (1 - BETA_2**updates)).sqrt() + EPSILON
    values = values - rate * first / (1 - BETA_1**updates) / width
    return {
        "values": state.values.index_copy(0, tasks, values),
        "first_moments": state.first_moments.index_copy(0, tasks, first),
        "second_moments": state.second_moments.index_copy(0, tasks, second),
        "updates": state.updates.index_copy(0, tasks, updates),
    }
