"""Fixed task weights: plain training, a weighting by the sizes of the data, or one found elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
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
        temperature: T of weights in proportion to size_n^(1/T), size_n the training pairs of task n, in place of
            `task_weights`: of sum 1 over "tasks", and of mean 1 over "tokens". With `sampling: {method: every}` it is
            the temperature as weights of losses, where temperature sampling has it as shares of the data.
        losses: The quantity that a weight multiplies, see `Method`. With "tokens" and equal weights this is the usual
            training on a mixture of corpora, where temperature sampling does all the balancing. With `temperature` it
            is "tasks" where it is not given.
    """

    method: Literal["fixed"] = "fixed"
    scale_of_weights: ClassVar[str] = "free"
    reads_losses: ClassVar[bool] = False
    task_weights: dict[str, Weight] | list[Weight] | None = None
    temperature: float | None = Field(default=None, gt=0, le=LARGE, allow_inf_nan=False)
    losses: Literal["tokens", "tasks"] = "tokens"

    @model_validator(mode="before")
    @classmethod
    def _weigh_tasks(cls, content: Any) -> Any:
        if isinstance(content, Mapping) and content.get("temperature") is not None:
            return {"losses": "tasks", **content}
        return content

    @model_validator(mode="after")
    def _check_one_weighting(self) -> Self:
        if self.temperature is not None and self.task_weights is not None:
            raise ValueError("temperature and task_weights are two ways to weigh the tasks; leave one of them out")
        return self

    def for_data(self, sizes: Mapping[str, int]) -> Self:
        """Return the settings with the weights of `temperature`, where it is given."""
        if self.temperature is None:
            return self
        shares = (torch.tensor(list(sizes.values()), dtype=torch.float64).log() / self.temperature).softmax(0)
        weights = shares * (len(sizes) if self.losses == "tokens" else 1)
        return self.model_copy(update={"task_weights": dict(zip(sizes, weights.tolist(), strict=True))})

    def bind(self, tasks: Sequence[str], groups: Sequence[str]) -> "Fixed":
        """Return the same weights, listed in the order of the tasks.

        Raises:
            ConfigError: If a weight is given for a task that there is not, or the sizes of the data are not known.
        """
        given = self.task_weights
        if given is None and self.temperature is not None:
            raise ConfigError(
                "balancing.temperature weighs tasks by the sizes of their data, which are not known here; call "
                "for_data with the training pairs by task"
            )
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
