"""LRA, learning-rate annealing: weights that bring the tasks' gradients to one length, slowly.

Source: Wang, Teng and Perdikaris, "Understanding and mitigating gradient pathologies in physics-informed neural
networks", 2020 (arXiv 2001.04536), learning-rate annealing, and PhysicsNeMo's `LRAnnealing`.

Legend: N tasks, K tasks in the step, d_n = ‖g_n‖, w_n weights, κ the length that is aimed at.

    κ   = mean_k d_k, or that of the reference task
    w_n ← α w_n + (1 − α) κ / d_n
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, PrivateAttr
from torch import Tensor

from catscale.balancing.contract import MethodSettings, Request, Signals, State
from catscale.balancing.methods.norm_method import finite_norms
from catscale.errors import ConfigError
from catscale.settings import STEPS


@dataclass(frozen=True)
class LRAState(State):
    """Weights.

    Attributes:
        values: (N,) float64 w_n > 0.
        steps: Steps taken.
    """

    values: Tensor
    steps: int = 0


class LRA(MethodSettings):
    """Running means of the factors that would make all gradients equally long.

    The weights are used as they were before the step and are positive: 1 each at the start.

    Differences from the paper: it takes the largest element of the reference task's gradient over the mean size of the
    others' elements, PhysicsNeMo two means; here both are norms. Without a `reference` κ is the mean of all norms
    (ours). Tasks without gradient keep their weights.

    Cost: in one step of `interval`, K norms; nothing in the others.

    Attributes:
        reference: Name of the task whose gradient keeps its length; null for the mean of all. Steps that do not hold it
            move nothing.
        group: Group of shared parameters over which norms are taken; null for all of them.
        inertia: α.
        interval: Steps for each update of w; the default is ours.
        losses: The meaning of L_n, see `Method`.
    """

    method: Literal["lra"] = "lra"
    scale_of_weights: ClassVar[str] = "free"
    reference: str | None = None
    group: str | None = None
    inertia: float = Field(default=0.9, ge=0, lt=1, allow_inf_nan=False)
    interval: int = Field(default=10, ge=1, le=STEPS)
    losses: Literal["tasks", "tokens"] = "tasks"
    _reference: int | None = PrivateAttr(default=None)

    def bind(self, tasks: Sequence[str], groups: Sequence[str]) -> "LRA":
        """Return the same settings with the reference task's position.

        Raises:
            ConfigError: If there is no such task.
        """
        bound = self.model_copy()
        if self.reference is not None:
            if self.reference not in tasks:
                raise ConfigError(
                    f"balancing.reference must be one of the tasks {', '.join(tasks)}, found {self.reference!r}"
                    "; name one of them, or leave it out for the mean of all"
                )
            bound._reference = list(tasks).index(self.reference)
        return bound

    def init(self, n_tasks: int) -> LRAState:
        """Return the first state: every w_n = 1."""
        return LRAState(torch.ones(n_tasks, dtype=torch.float64))

    @property
    def measures(self) -> Request:
        """The request of a step that moves w."""
        return Request("norms", group=self.group)

    def request(self, state: LRAState) -> Request:
        """Request the norms once in `interval` steps, in the last of them."""
        return Request() if (state.steps + 1) % self.interval else self.measures

    def weights(self, state: LRAState, task_ids: Tensor) -> Tensor:
        """Return the (K,) w of the present tasks."""
        return state.values[task_ids]

    def step(self, state: LRAState, signals: Signals) -> tuple[Tensor, LRAState]:
        """Return the present weights, and the state with w moved for the steps that follow if norms were requested.

        Raises:
            ConfigError: If the settings name a task and were not bound to the tasks' names.
            DivergedError: If a norm is not finite.
        """
        if self.reference is not None and self._reference is None:
            raise ConfigError(
                f"balancing.reference is {self.reference!r}; call bind(tasks, groups) before the first step"
            )
        weights = self.weights(state, signals.task_ids)
        following = replace(state, steps=state.steps + 1)
        if self.request(state).kind == "nothing":
            return weights, following
        norms = finite_norms(signals)
        chosen = norms if self._reference is None else norms[signals.task_ids.cpu() == self._reference]
        if not chosen.any():
            return weights, following
        moved = self.inertia * weights + (1 - self.inertia) * chosen.mean() / norms
        moved = torch.where(norms > 0, moved, weights)
        return weights, replace(following, values=state.values.index_copy(0, signals.task_ids, moved))

    def describe(self, state: LRAState) -> dict[str, Any]:
        """Return all N weights."""
        return {"task_weights": state.values.tolist()}
