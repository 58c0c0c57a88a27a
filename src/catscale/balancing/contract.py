"""The contract between a balancing method and the engine that runs it.

A method is a frozen group of settings and three functions of what it is shown; it never sees the model:

    init(n_tasks) -> state
    weights(state, task_ids) -> (K,) weights that the coming step will use, or None if they depend on its signals
    step(state, signals) -> ((K,) weights of this step, next state)

Legend: N tasks, K ≤ N tasks in the step, D shared parameters.
"""

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from torch import Tensor


@dataclass(frozen=True)
class Signals:
    """What one step shows to a method.

    Attributes:
        task_ids: (K,) int64, the position of each present task in the list of all N tasks.
        losses: (K,) float64, one loss a task, nats per target token.
        gramian: (K, K) float64, `G_ij = <g_i, g_j>` of the gradients of the shared parameters: unscaled,
            unclipped, summed over the parts of the step. None where the method did not ask for it.
    """

    task_ids: Tensor
    losses: Tensor
    gramian: Tensor | None = None


@dataclass(frozen=True)
class State:
    """Base of the states: a frozen dataclass of tensors and integers, indexed by task id, on the CPU."""


S = TypeVar("S", bound=State)


class Method(Protocol[S]):
    """A balancing method (see the module's docstring for the three functions).

    `losses` names what the toolkit's training loop feeds as L_n: "tasks" is the mean over the target tokens of
    task n, "tokens" is the sum over them divided by the tokens of all tasks in the step, so that weights of 1 are
    plain training on the sampled mixture.

    A method whose settings name tasks may have `bind(tasks) -> Method`, which the engine calls before `init`.
    """

    @property
    def name(self) -> str:
        """The method's name in configurations and reports."""
        ...

    @property
    def losses(self) -> str:
        """Either "tasks" or "tokens"."""
        ...

    def init(self, n_tasks: int) -> S:
        """The state before the first step."""
        ...

    def needs_gramian(self, state: S) -> bool:
        """Whether the coming step must measure the Gram matrix of the task gradients."""
        ...

    def weights(self, state: S, task_ids: Tensor) -> Tensor | None:
        """(K,) float64 weights of the coming step, or None when `step` must see the signals first."""
        ...

    def step(self, state: S, signals: Signals) -> tuple[Tensor, S]:
        """(K,) float64 weights of this step, and the state after it."""
        ...

    def describe(self, state: S) -> dict[str, Any]:
        """Scalars worth a line in a log: multipliers and the like."""
        ...
