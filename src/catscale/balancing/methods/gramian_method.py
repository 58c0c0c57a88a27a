"""The common part of the methods that are functions of the Gram matrix alone.

Legend: N tasks, K tasks in the step, P groups of shared parameters; G (K, K) Gram matrix of the task gradients.

Whatever the method, it is shown G with the tasks in the order of their ids, so that the order of rows in a batch
changes nothing, and divided by its largest diagonal element, so that the solvers' tolerances are relative. A task
whose gradient is zero takes no part and has weight 0: as a row of G it would attract all the weight of a min-norm
method, or be divided by. If no direction is left (no task has a gradient, or the method answers 0 for all), the
weights are equal: what they multiply is zero or Pareto-stationary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import PrivateAttr
from torch import Tensor

from catscale.balancing.contract import Request, Signals, State
from catscale.balancing.methods.statistics_settings import StatisticsSettings
from catscale.errors import DivergedError


@dataclass(frozen=True)
class GramianState(State):
    """The state of a method without memory.

    Attributes:
        steps: Steps taken.
    """

    steps: int = 0


class GramianSettings(StatisticsSettings):
    """Settings of every method that is a function of the Gram matrix.

    Cost: every step (or one in `interval`, where there is one) holds K gradients at once, K·D floats, and forms
    their products.

    Attributes:
        granularity: "all" for one Gram matrix over all shared parameters; "groups" for one, and its own weights, for
            each group of parameters.
        losses: The meaning of L_n, see `Method`.
    """

    granularity: Literal["all", "groups"] = "all"
    losses: Literal["tasks", "tokens"] = "tasks"
    scale_of_weights: ClassVar[str] = "free"
    _groups: int = PrivateAttr(default=1)

    @property
    def n_groups(self) -> int:
        """P, the number of Gram matrices per step."""
        return self._groups if self.granularity == "groups" else 1

    def bind(self, tasks: Sequence[str], groups: Sequence[str]) -> Self:
        """Return the same settings with the number of groups filled in."""
        bound = self.model_copy()
        bound._groups = max(1, len(groups))
        return bound

    def gramian_request(self) -> Request:
        """Request the Gram matrix, or one per group."""
        return Request("gramian", per_group=self.granularity == "groups")


class GramianMethod(GramianSettings):
    """A method without memory: weights from G by `weigh`, in every step."""

    def init(self, n_tasks: int) -> GramianState:
        """Return the first state: no steps."""
        return GramianState()

    def request(self, state: GramianState) -> Request:
        """Request the Gram matrix, or one per group."""
        return self.gramian_request()

    def weights(self, state: GramianState, task_ids: Tensor) -> None:
        """Return None: the weights are unknown before the step."""
        return None

    def step(self, state: GramianState, signals: Signals) -> tuple[Tensor, GramianState]:
        """Return (K,) weights, or (P, K) per group, and the next state."""
        found = []
        for group, gramian in enumerate(measured_gramians(signals)):
            draw = state.steps * self.n_groups + group
            found.append(weigh_present(gramian, signals.task_ids, partial(self._weigh_drawn, draw)))
        weights = torch.stack(found)
        return (weights if self.granularity == "groups" else weights[0]), replace(state, steps=state.steps + 1)

    def _weigh_drawn(self, draw: int, gramian: Tensor, task_ids: Tensor) -> Tensor:
        return self.weigh(gramian, draw)

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """Return (K,) weights of the gradients.

        Args:
            gramian: (K, K) float64, the largest diagonal element 1 and none of them 0.
            draw: Number of this call, for methods that draw at random.
        """
        raise NotImplementedError

    def describe(self, state: GramianState) -> dict[str, Any]:
        """Return nothing beyond the weights."""
        return {}


def measured_gramians(signals: Signals) -> Tensor:
    """Return (P, K, K) float64 matrices on the CPU; P = 1 where there is one matrix for all parameters.

    Raises:
        ValueError: If the step was not measured.
        DivergedError: If a product is not finite.
    """
    if signals.gramian is None:
        raise ValueError("this step needs the Gram matrix, found none; measure what request() asks for")
    gramians = signals.gramian.double().cpu()
    gramians = gramians if gramians.dim() == 3 else gramians[None]
    bad = [
        task
        for task, good in zip(signals.task_ids.tolist(), gramians.isfinite().all(0).all(1), strict=True)
        if not good
    ]
    if bad:
        raise DivergedError(
            f"the products of the task gradients must be finite, found others for the tasks with ids {bad}; lower "
            "the learning rate or look at the data of these tasks"
        )
    return gramians


def weigh_present(gramian: Tensor, task_ids: Tensor, weigh: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return (K,) weights in the order of `task_ids`, see the module's docstring.

    Args:
        gramian: (K, K) float64.
        task_ids: (K,) ids of the present tasks.
        weigh: Function of a part of G, scaled and in the order of the ids, and of these ids.

    Raises:
        DivergedError: If the weights are not finite.
    """
    order = task_ids.cpu().argsort()
    taking_part = order[gramian.diagonal()[order] > 0]
    weights = torch.zeros(len(order), dtype=torch.float64)
    if len(taking_part) == 0:
        return torch.full_like(weights, 1 / len(order))
    part = gramian[taking_part][:, taking_part]
    found = weigh(part / part.diagonal().max(), task_ids.cpu()[taking_part])
    if not found.isfinite().all():
        raise DivergedError(f"task weights must be finite, found {found.tolist()}; look at the task gradients' norms")
    if not found.any():
        return torch.full_like(weights, 1 / len(order))
    weights[taking_part] = found
    return weights


def zero_eigenvalue(unit: Tensor) -> float:
    """Return the size below which an eigenvalue of the cosines counts as 0: products of float32 gradients tell no more.

    Args:
        unit: (K, K) U.
    """
    return len(unit) * torch.finfo(torch.float32).eps


def cosines(gramian: Tensor) -> tuple[Tensor, Tensor]:
    """Return the Gram matrix of the unit gradients, and the norms: G = diag(d) U diag(d).

    Args:
        gramian: (K, K) with a positive diagonal.

    Returns:
        (K, K) U with ones on the diagonal, and (K,) d.
    """
    norms = gramian.diagonal().sqrt()
    unit = gramian / norms[:, None] / norms[None, :]
    return unit.fill_diagonal_(1.0), norms
