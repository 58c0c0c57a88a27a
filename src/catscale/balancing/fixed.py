"""Fixed task weights: plain training, or a weighting found elsewhere."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Signals, State
from catscale.errors import ConfigError
from catscale.settings import Settings


@dataclass(frozen=True)
class FixedState(State):
    """Nothing but the weights.

    Attributes:
        values: (N,) float64.
    """

    values: Tensor


class Fixed(Settings):
    """Weights that never change; cost: none.

    Attributes:
        values: One weight a task, in the order of the tasks; None for 1 each.
        losses: What a weight multiplies, see `Method`. With "tokens" and equal weights this is the usual training
            on a mixture of corpora, where temperature sampling does all the balancing.
    """

    method: Literal["fixed"] = "fixed"
    values: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = None
    losses: Literal["tokens", "tasks"] = "tokens"

    @property
    def name(self) -> str:
        """The method's name in configurations and reports."""
        return "fixed"

    def init(self, n_tasks: int) -> FixedState:
        """The given weights.

        Raises:
            ConfigError: If the number of weights is not the number of tasks, or all are 0.
        """
        values = self.values if self.values is not None else [1.0] * n_tasks
        if len(values) != n_tasks:
            raise ConfigError(
                f"balancing.values: found {len(values)} weights for {n_tasks} tasks; "
                "give one weight a task, in the order of the tasks"
            )
        if not any(values):
            raise ConfigError("balancing.values: all weights are 0; at least one must be positive")
        return FixedState(torch.tensor(values, dtype=torch.float64))

    def needs_gramian(self, state: FixedState) -> bool:
        """Never."""
        return False

    def weights(self, state: FixedState, task_ids: Tensor) -> Tensor:
        """(K,) the weights of the present tasks."""
        return state.values[task_ids]

    def step(self, state: FixedState, signals: Signals) -> tuple[Tensor, FixedState]:
        """The same weights and the same state."""
        return self.weights(state, signals.task_ids), state

    def describe(self, state: FixedState) -> dict[str, Any]:
        """Nothing beyond the weights."""
        return {}
