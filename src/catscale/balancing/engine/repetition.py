"""The objective of a step once more: its weights, as a method that always answers with them.

What a step measured is measured again where the method found its weights from it, and a step that held gradients
holds them again, so that at the same parameters the combined gradient is the same bit for bit.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from catscale.balancing.contract import Request, Signals, State
from catscale.errors import ConfigError


@dataclass(frozen=True)
class Repetition:
    """The weights of a step as a balancing method, see `catscale.balancing.contract.Method`.

    Attributes:
        name: The name of the method that found them.
        losses: The meaning of L_n to it.
        wants: The measurements of the step.
        task_ids: (K,) int64 of the step.
        found: (K,) weights, or (P, K) where each group of parameters has its own.
        is_known: Whether they were known before the step.
        is_joined: Whether it was computed from mixed batches.
    """

    name: str
    losses: str
    wants: Request
    task_ids: Tensor
    found: Tensor
    is_known: bool
    is_joined: bool = True

    def init(self, n_tasks: int) -> State:
        """Return an empty state."""
        return State()

    def request(self, state: State) -> Request:
        """Return what the step measured."""
        return self.wants

    def weights(self, state: State, task_ids: Tensor) -> Tensor | None:
        """Return the (K,) weights where they were known before the step.

        Raises:
            ConfigError: If the tasks are others.
        """
        if not task_ids.equal(self.task_ids):
            raise ConfigError(
                f"repeat needs the tasks of the backward before, with the ids {self.task_ids.tolist()}, found "
                f"{task_ids.tolist()}; give the same losses"
            )
        return self.found if self.is_known else None

    def step(self, state: State, signals: Signals) -> tuple[Tensor, State]:
        """Return the weights and the state as it is."""
        return self.found, state

    def describe(self, state: State) -> dict[str, Any]:
        """Return nothing."""
        return {}
