"""The gradients of a step beside those of earlier calls, and their sum over the processes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from catscale.balancing.engine.buckets import GradientSum
from catscale.balancing.engine.first_step import look
from catscale.balancing.engine.ranks import Ranks

TaskGradient = list[Tensor | None]
"""One task's gradient, a tensor for each parameter, None where it is zero."""


def take_gradients(tensors: Sequence[Tensor]) -> TaskGradient:
    """Return the gradients and clear them from the tensors."""
    found = [tensor.grad for tensor in tensors]
    for tensor in tensors:
        tensor.grad = None
    return found


def put_gradients(tensors: Sequence[Tensor], gradients: TaskGradient) -> None:
    """Put the gradients back where they were."""
    for tensor, gradient in zip(tensors, gradients, strict=True):
        tensor.grad = gradient


class StepGradients:
    """The content of `.grad` during a step.

    Args:
        parameters: The shared ones.
        others: The trainable ones beside them.
        ranks: The processes.
        module: The model as it is called; `fully_shard` has made it sum gradients, others are left alone.
    """

    def __init__(
        self, parameters: Sequence[Tensor], others: Sequence[Tensor], ranks: Ranks, module: torch.nn.Module | None
    ) -> None:
        self.parameters, self.others, self.ranks = parameters, others, ranks
        self._shards: Any = module if hasattr(module, "set_requires_gradient_sync") else None
        self._before: tuple[TaskGradient, TaskGradient] | None = None
        self._summing: GradientSum | None = None

    def set_aside(self) -> None:
        """Put away the gradients of earlier calls (accumulation) until `bring_back`."""
        self._before, self._summing = (take_gradients(self.parameters), take_gradients(self.others)), None

    @contextmanager
    def passing(self, is_last: bool) -> Iterator[None]:
        """Let shards be summed after the last one of several backward passes alone, one of which is in the block."""
        if self._shards is None or is_last:
            yield
            return
        self._shards.set_requires_gradient_sync(False)
        try:
            yield
        finally:
            self._shards.set_requires_gradient_sync(True)

    @contextmanager
    def passing_of_step(self, is_last: bool, losses: Sequence[Tensor]) -> Iterator[None]:
        """Begin to sum all gradients while the last backward pass of a step goes on, one of which is in the block.

        Not where a function in the graph may run a pass of its own, as reentrant checkpointing does: a parameter may
        get its gradient in two pieces then, and all are summed afterwards, in the same buckets.

        Args:
            is_last: Whether it is the last one.
            losses: The losses whose backward pass it is.
        """
        tensors = (*self.parameters, *self.others)
        plain = self.ranks.plain_places(tensors)
        with self.passing(is_last):
            if not (is_last and plain) or look(losses, set(), until="opaque").is_opaque:
                yield
                return
            self._summing = self.ranks.sum_of([tensors[place] for place in plain])
            with self._summing.during():
                yield

    def bring_back(self, are_summed: bool = False) -> None:
        """Sum this process's gradients over all, unless they are, and add what was set aside.

        Args:
            are_summed: Whether those of the shared parameters are.
        """
        if self._before is not None:
            self._sum(list(self.others) if are_summed else [*self.parameters, *self.others])
            self.add_before()

    def sum_all(self) -> None:
        """Sum this process's gradients over all; what was set aside stays there."""
        self._sum([*self.parameters, *self.others])

    def _sum(self, tensors: Sequence[Tensor]) -> None:
        wait = self.ranks.begin_sum(tensors, take_gradients(tensors), self._summing)
        put_gradients(tensors, wait())
        self._summing = None

    def add_before(self) -> None:
        """Add what was set aside to the gradients, which are summed."""
        if self._before is None:
            return
        for tensors, before in zip((self.parameters, self.others), self._before, strict=True):
            for tensor, old in zip(tensors, before, strict=True):
                if old is not None:
                    tensor.grad = old if tensor.grad is None else old.add_(tensor.grad)
        self._before = None

    def put_back(self) -> None:
        """Leave in `.grad` what was set aside, and nothing else."""
        if self._before is not None:
            put_gradients(self.parameters, self._before[0])
            put_gradients(self.others, self._before[1])
        self._before = self._summing = None

    def drop(self) -> None:
        """Leave no gradient behind."""
        take_gradients(self.parameters)
        take_gradients(self.others)
        self._before = self._summing = None
