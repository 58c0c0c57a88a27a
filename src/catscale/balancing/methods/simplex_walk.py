"""The common part of the methods whose weights walk on the simplex, a few small steps per measured Gram matrix.

Legend: N tasks, K tasks in the step, λ (N,) weights on the simplex, a (K,) those of the present tasks over their sum,
G (K, K) Gram matrix of the task gradients, σ = mean_n √max(0, G_nn) their mean length.

A step weights its gradients by the a that earlier steps found, so that the weights are independent of the noise in the
gradients that they weight; its own G moves a for the steps that follow. The squares in G are free of the noise's
share (`catscale.balancing.engine.unbiased`) and its other entries are products of different tasks' batches, so that E G
is the Gram matrix of the exact gradients. a walks on G / σ², which has no unit.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import MethodSettings, Request, Signals, State
from catscale.balancing.methods.gramian_method import measured_gramians
from catscale.settings import STEPS


@dataclass(frozen=True)
class WalkState(State):
    """Weights on the simplex.

    Attributes:
        values: (N,) float64 λ ≥ 0 with sum 1.
        steps: Steps taken.
    """

    values: Tensor
    steps: int = 0


class SimplexWalk(MethodSettings):
    """A method whose weights descend on a quadratic form of G, from `walk`.

    Cost: in one step of `interval`, K gradients held and K² products; nothing in the others.

    Attributes:
        interval: Steps for each measured one.
        losses: The meaning of L_n, see `Method`.
    """

    scale_of_weights: ClassVar[str] = "free"
    interval: int = Field(default=1, ge=1, le=STEPS)
    losses: Literal["tasks", "tokens"] = "tasks"

    def init(self, n_tasks: int) -> WalkState:
        """Return the first state: equal weights."""
        return WalkState(torch.full((n_tasks,), 1 / n_tasks, dtype=torch.float64))

    @property
    def measures(self) -> Request:
        """The request of a step that moves λ."""
        return Request("gramian", halves=True)

    def request(self, state: WalkState) -> Request:
        """Request the Gram matrix once in `interval` steps, in the last of them."""
        return Request() if (state.steps + 1) % self.interval else self.measures

    def is_valid(self, state: WalkState) -> bool:
        """Return whether weights that were read back are on the simplex."""
        return bool((state.values >= 0).all()) and abs(float(state.values.sum()) - 1) < 1e-6

    def weights(self, state: WalkState, task_ids: Tensor) -> Tensor:
        """Return (K,) weights with sum 1."""
        return self.combine(_shares(state.values[task_ids]))

    def step(self, state: WalkState, signals: Signals) -> tuple[Tensor, WalkState]:
        """Return the present weights, and the state with λ moved for the steps that follow if G was requested.

        Raises:
            DivergedError: If a product is not finite.
        """
        tasks = signals.task_ids
        weights = self.weights(state, tasks)
        following = replace(state, steps=state.steps + 1)
        if self.request(state).kind == "nothing":
            return weights, following
        gramian = measured_gramians(signals)[0]
        before = state.values[tasks]
        length = gramian.diagonal().clamp(min=0).sqrt().mean()
        if length == 0:
            return weights, following
        moved = self.walk(_shares(before), gramian / length / length)
        return weights, replace(following, values=state.values.index_copy(0, tasks, moved * before.sum()))

    def walk(self, shares: Tensor, gramian: Tensor) -> Tensor:
        """Return (K,) new shares with sum 1.

        Args:
            shares: (K,) a.
            gramian: (K, K) G / σ².
        """
        raise NotImplementedError

    def combine(self, shares: Tensor) -> Tensor:
        """Return the (K,) weights of the gradients at shares a."""
        return shares

    def describe(self, state: WalkState) -> dict[str, Any]:
        """Return all N shares λ."""
        return {"shares": state.values.tolist()}


def _shares(values: Tensor) -> Tensor:
    total = values.sum()
    return values / total if total > 0 else torch.full_like(values, 1 / len(values))


def project_on_simplex(point: Tensor) -> Tensor:
    """Return the nearest (K,) point of the simplex.

    Source: Held, Wolfe and Crowder, "Validation of Subgradient Optimization", 1974: max(0, y − μ), μ from the largest.

    Example:
        >>> project_on_simplex(torch.tensor([0.75, 0.5, -1.0])).tolist()
        [0.625, 0.375, 0.0]
    """
    largest = point.sort(descending=True).values
    levels = (largest.cumsum(0) - 1) / torch.arange(1, len(point) + 1, dtype=point.dtype)
    level = levels[int((largest > levels).sum()) - 1]
    return (point - level).clamp(min=0)
