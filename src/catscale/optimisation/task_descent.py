"""The contract of a step whose tasks are looked at one by one: what some optimisers ask a descent for.

Legend: K tasks in the step, L_n loss and g_n gradient of task n, A the balancing method: vectors → Σ w_n g_n, with
weights w_n that it finds from what it is shown of them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from torch import Tensor

Shown = TypeVar("Shown", covariant=True)
TaskVector = Sequence[Tensor | None]
"""A gradient or the like of one task: a tensor for each parameter, None where it is 0."""


class TaskDescent(Protocol[Shown]):
    """The tasks of one step, over all processes."""

    @property
    def tasks(self) -> Sequence[str]:
        """The K tasks, in the order in which a plain step computes them."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The names of the parameters, which stay the same where their order does not."""
        ...

    @property
    def parameters(self) -> Sequence[Tensor]:
        """The trainable parameters, in the order of a `TaskVector`."""
        ...

    @property
    def is_linear(self) -> bool:
        """Whether A's weights of this step are known, so that A(g) + A(h) = A(g + h), and it asks to be shown none."""
        ...

    def epochs(self, task: str) -> float:
        """Return how often the run has gone through the task's training pairs."""
        ...

    def gradient(self, task: str) -> TaskVector:
        """Return g_n at the parameters as they are, on the same sub-batches and dropout masks in every call.

        Raises:
            DivergedError: If it, or the loss, is not finite.
        """
        ...

    def loss(self, task: str) -> float:
        """Return L_n at the parameters as they are, on the same sub-batches, without dropout.

        Raises:
            DivergedError: If it is not finite.
        """
        ...

    def combine(self, vectors: Mapping[str, Callable[[], TaskVector]]) -> Shown:
        """Add A of vectors to `.grad`, and move the balancing method's state.

        Args:
            vectors: Functions that return them, of every task; each is called once, and where A is linear its result
                is dropped before the next one is called. The method is shown the losses that the first call of
                `gradient` saw.

        Raises:
            DivergedError: If one is not finite.
        """
        ...

    def combine_more(self, vectors: Mapping[str, TaskVector], with_same_weights: bool) -> None:
        """Add A of more vectors, after `combine`, whose state stays.

        Args:
            vectors: One of every task.
            with_same_weights: Whether A has the weights that it found for those before; else it finds them from these.

        Raises:
            DivergedError: If one is not finite.
        """
        ...
