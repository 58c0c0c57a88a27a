"""ReLoBRaLo: more weight to the tasks whose loss decreases least, against the step before and against the first.

Source: Bischof and Kraus, "Multi-Objective Loss Balancing for Physics-Informed Deep Learning", 2021
(arXiv 2110.09813), as PhysicsNeMo's `Relobralo` has it.

Legend: N tasks, K tasks in the step, L_n(t) loss of task n at its t-th step, τ temperature, α inertia, ρ lookback.

    λ̂_n(t, s) = K exp(L_n(t) / (τ L_n(s))) / Σ_k exp(L_k(t) / (τ L_k(s)))
    λ_n(t)    = α (ρ λ_n(t−1) + (1 − ρ) λ̂_n(t, 0)) + (1 − α) λ̂_n(t, t−1),      ρ = 1 with probability β, else 0
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Signals, State
from catscale.balancing.methods.loss_method import LossMethod, finite_losses
from catscale.settings import LARGE

STRIDE = 1_000_003
"""A prime between the seeds' streams: runs with neighbouring seeds do not repeat each other's draws soon."""


@dataclass(frozen=True)
class ReLoBRaLoState(State):
    """Weights, and the losses that the coming ones are compared with.

    Attributes:
        values: (N,) float64 λ_n, 1 at first.
        first_losses: (N,) float64 L_n(0), NaN before task n was seen.
        latest_losses: (N,) float64 L_n(t−1), NaN before task n was seen.
        steps: Steps taken.
    """

    values: Tensor
    first_losses: Tensor
    latest_losses: Tensor
    steps: int = 0


class ReLoBRaLo(LossMethod):
    """Weights by relative progress, with a random look back to the first losses.

    The weights are positive; those of steps with all tasks sum to K.

    Differences from the paper: λ of the losses of a step is used from the next step on, so that weights are known
    beforehand and a step is one plain backward; t−1 is the latest earlier step that held the task, and tasks that
    were not seen before move with the next one; ρ follows from `seed` and the number of the step, one for all tasks.
    The defaults are PhysicsNeMo's.

    Attributes:
        inertia: α, the share of the earlier weights.
        lookback: β, how often these are the step's before, and not those against the first losses.
        temperature: τ; larger is more equal.
        seed: The seed of ρ.
    """

    method: Literal["relobralo"] = "relobralo"
    inertia: float = Field(default=0.95, ge=0, le=1, allow_inf_nan=False)
    lookback: float = Field(default=0.99, ge=0, le=1, allow_inf_nan=False)
    temperature: float = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)
    seed: int = Field(default=0, ge=0, lt=2**63)

    def init(self, n_tasks: int) -> ReLoBRaLoState:
        """Return the first state: every λ_n = 1, no losses."""
        ones = torch.ones(n_tasks, dtype=torch.float64)
        nothing = torch.full_like(ones, torch.nan)
        return ReLoBRaLoState(ones, nothing, nothing)

    def weights(self, state: ReLoBRaLoState, task_ids: Tensor) -> Tensor:
        """Return the (K,) λ of the present tasks."""
        return state.values[task_ids]

    def step(self, state: ReLoBRaLoState, signals: Signals) -> tuple[Tensor, ReLoBRaLoState]:
        """Return the present weights, and the state with λ moved for the steps that follow.

        Raises:
            DivergedError: If a loss is not finite.
        """
        losses = finite_losses(signals)
        first = state.first_losses[signals.task_ids]
        seen = ~first.isnan()
        tasks = signals.task_ids[seen]
        recent = self._shares(losses[seen] / state.latest_losses[tasks])
        earlier = state.values[tasks] if self._keeps(state.steps) else self._shares(losses[seen] / first[seen])
        moved = self.inertia * earlier + (1 - self.inertia) * recent
        return self.weights(state, signals.task_ids), replace(
            state,
            values=state.values.index_copy(0, tasks, moved),
            first_losses=state.first_losses.index_copy(0, signals.task_ids, torch.where(seen, first, losses)),
            latest_losses=state.latest_losses.index_copy(0, signals.task_ids, losses),
            steps=state.steps + 1,
        )

    def _shares(self, progress: Tensor) -> Tensor:
        """Return (K,) shares with sum K from L_n(t) / L_n(s)."""
        return len(progress) * (progress / self.temperature).softmax(0)

    def _keeps(self, step: int) -> bool:
        """Return whether ρ of this step is 1."""
        generator = torch.Generator().manual_seed((self.seed * STRIDE + step) % 2**63)
        return float(torch.rand((), generator=generator)) < self.lookback

    def describe(self, state: ReLoBRaLoState) -> dict[str, Any]:
        """Return nothing beyond the weights."""
        return {}
