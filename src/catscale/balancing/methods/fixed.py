"""Fixed task weights: plain training, or a weighting found elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import MethodSettings, Request, Signals, State
from catscale.errors import ConfigError
from catscale.settings import LARGE

Weight = Annotated[float, Field(ge=0, le=LARGE, allow_inf_nan=False)]


@dataclass(frozen=True)
class FixedState(State):
    """The weights and nothing else.

    Attributes:
        values: (N,) float64.
    """

    values: Tensor


class Fixed(MethodSettings):
    """Weights that never change; cost: none.

    Attributes:
        task_weights: Weight by name of task, 1 for those left out; or one per task, in their order; None for 1 each.
        losses: The quantity that a weight multiplies, see `Method`. With "tokens" and equal weights this is the usual
            training on a mixture of corpora, where temperature sampling does all the balancing.
    """

    method: Literal["fixed"] = "fixed"
    scale_of_weights: ClassVar[str] = "free"
    task_weights: dict[str, Weight] | list[Weight] | None = None
    losses: Literal["tokens", "tasks"] = "tokens"

    def bind(self, tasks: Sequence[str], groups: Sequence[str]) -> "Fixed":
        """Return the same weights, listed in the order of the tasks.

        Raises:
            ConfigError: If a weight is given for a task that there is not.
        """
        given = self.task_weights
        if not isinstance(given, dict):
            return self
        unknown = sorted(set(given) - set(tasks))
        if unknown:
            raise ConfigError(
                f"balancing.task_weights names {', '.join(unknown)}; the tasks are {', '.join(tasks)}; use their names"
            )
        return self.model_copy(update={"task_weights": [given.get(task, 1.0) for task in tasks]})

    def init(self, n_tasks: int) -> FixedState:
        """Return the given weights as the first state.

        Raises:
            ConfigError: If they are not one per task, or all are 0.
        """
        values = [1.0] * n_tasks if self.task_weights is None else self.task_weights
        if isinstance(values, dict) or len(values) != n_tasks:
            raise ConfigError(
                f"balancing.task_weights: found {len(values)} weights for {n_tasks} tasks; "
                "give one weight per task, in the order of the tasks, or name the tasks"
            )
        if not any(values):
            raise ConfigError("balancing.task_weights: all weights are 0; at least one must be positive")
        return FixedState(torch.tensor(values, dtype=torch.float64))

    def request(self, state: FixedState) -> Request:
        """Request nothing."""
        return Request()

    def weights(self, state: FixedState, task_ids: Tensor) -> Tensor:
        """Return the (K,) weights of the present tasks."""
        return state.values[task_ids]

    def step(self, state: FixedState, signals: Signals) -> tuple[Tensor, FixedState]:
        """Return the same weights and the same state."""
        return self.weights(state, signals.task_ids), state

    def describe(self, state: FixedState) -> dict[str, Any]:
        """Return nothing beyond the weights."""
        return {}
