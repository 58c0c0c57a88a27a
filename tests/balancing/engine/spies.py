"""A method that asks for anything, with weights known before the step or not, and keeps what it is shown."""

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from catscale.balancing import Request, Signals, State


@dataclass(frozen=True)
class SpyState(State):
    steps: int = 0


@dataclass
class Spy:
    """Weights by task id, (N,), or (P, N) for a row a group."""

    request_: Request
    values: Tensor
    is_known: bool = True
    seen: list[Signals] = field(default_factory=list)
    name: str = "spy"
    losses: str = "tasks"

    def init(self, n_tasks: int) -> SpyState:
        return SpyState()

    def request(self, state: SpyState) -> Request:
        return self.request_

    def weights(self, state: SpyState, task_ids: Tensor) -> Tensor | None:
        return self.values[..., task_ids] if self.is_known else None

    def step(self, state: SpyState, signals: Signals) -> tuple[Tensor, SpyState]:
        self.seen.append(signals)
        return self.values[..., signals.task_ids], replace(state, steps=state.steps + 1)

    def describe(self, state: SpyState) -> dict[str, Any]:
        return {}


def spy(kind: Any, known: bool = True, weights: object = (0.5, 2.0, 0.25), **options: Any) -> Spy:
    return Spy(Request(kind, **options), torch.tensor(weights, dtype=torch.float64), known)
