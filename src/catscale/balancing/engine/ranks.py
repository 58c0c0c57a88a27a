"""Sums over the processes of a distributed run; nothing at all in a run of one process.

Two ways of spreading a model are known: every process holds all parameters (DistributedDataParallel, or a plain
module), or each holds a shard of every parameter (FSDP2's `fully_shard`, whose gradients arrive averaged over the
processes, as DTensors).
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeGuard

import torch.distributed as dist
from torch import Tensor

from catscale.balancing.engine.buckets import GradientSum
from catscale.errors import ConfigError

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


class Ranks:
    """The processes that train together.

    Args:
        parameters: The shared parameters.
        group: A process group; None for all processes, or this one alone where `torch.distributed` is not started.

    Raises:
        ConfigError: If parameters are spread in a way that is not known.
    """

    def __init__(self, parameters: Sequence[Tensor], group: "dist.ProcessGroup | None" = None) -> None:
        self.group = group
        self.size = dist.get_world_size(group) if dist.is_available() and dist.is_initialized() else 1
        self.device = parameters[0].device
        sharded = [_is_dtensor(parameter) for parameter in parameters]
        self.is_sharded = all(sharded)
        if any(sharded) and not (self.is_sharded and all(_is_one_shard(parameter) for parameter in parameters)):
            raise ConfigError(
                "parameters must be all plain tensors or all DTensors sharded over one mesh dimension, found a "
                "mixture; use fully_shard on the whole model and a one-dimensional mesh"
            )

    @property
    def gradient_factor(self) -> float:
        """The factor on losses that makes gradients come out summed over the processes."""
        return float(self.size) if self.is_sharded else 1.0

    def sum(self, values: Tensor) -> Tensor:
        """Return `values`, of any shape, summed over the processes; on the CPU."""
        return self.sum_there(values).cpu()

    def sum_there(self, values: Tensor) -> Tensor:
        """Return `values` summed over the processes, on the device where they are; the host does not wait for them."""
        if self.size == 1:
            return values
        moved = values.to(self.device, copy=True)
        dist.all_reduce(moved, group=self.group)
        return moved

    def maximum(self, values: Tensor) -> Tensor:
        """Return the largest value over the processes, on the CPU."""
        if self.size == 1:
            return values
        moved = values.to(self.device, copy=True)
        dist.all_reduce(moved, op=dist.ReduceOp.MAX, group=self.group)
        return moved.cpu()

    def sum_gradients(self, like: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Sum gradients over the processes in place; None where every process has none.

        Those of sharded parameters arrive summed and are left alone. Plain parameters beside them, such as the heads
        of single tasks, carry the sharded ones' `gradient_factor`, which is taken out.

        Args:
            like: Tensors with the shapes of the gradients.
            gradients: This process's.
        """
        return self.begin_sum(like, gradients)()

    def begin_sum(
        self, like: Sequence[Tensor], gradients: Sequence[Tensor | None], begun: GradientSum | None = None
    ) -> Callable[[], list[Tensor | None]]:
        """Begin `sum_gradients`, and return a function that waits for the sums.

        Args:
            like, gradients: As for `sum_gradients`.
            begun: The sum of the same gradients, of which a backward pass has sent some on their way.
        """
        found = list(gradients)
        plain = self.plain_places(like)
        if not plain:
            return lambda: found
        summing = begun or self.sum_of([like[place] for place in plain])
        summing.begin([found[place] for place in plain])
        for place in plain:
            found[place] = None  # whose memory is free once nobody else needs it

        @cache
        def wait() -> list[Tensor | None]:
            for place, gradient in zip(plain, summing.wait(), strict=True):
                found[place] = gradient
            return found

        return wait

    def plain_places(self, like: Sequence[Tensor]) -> list[int]:
        """Return the positions of the gradients that are to be summed: of several processes those not sharded."""
        return [] if self.size == 1 else [place for place, tensor in enumerate(like) if not _is_dtensor(tensor)]

    def sum_of(self, like: Sequence[Tensor]) -> GradientSum:
        """Return a sum of gradients over the processes that has not begun."""
        return GradientSum(like, self.group, self.gradient_factor)


def take_local(gradient: Tensor | None) -> Tensor | None:
    """Return this process's part of a gradient, which shares memory with it.

    Raises:
        ConfigError: If it is sparse.
    """
    if gradient is None:
        return None
    if gradient.is_sparse:
        raise ConfigError(
            "a gradient is sparse, which cannot be compared with other tasks'; build the embedding with sparse=False, "
            "or leave it out of parameters"
        )
    return gradient.to_local() if _is_dtensor(gradient) else gradient


def _is_dtensor(tensor: Tensor) -> "TypeGuard[DTensor]":
    """Return whether a tensor is spread over processes; its class is not imported for it, which takes a second."""
    return hasattr(tensor, "device_mesh") and hasattr(tensor, "to_local")


def _is_one_shard(parameter: Any) -> bool:
    return parameter.device_mesh.ndim == 1 and all(placement.is_shard() for placement in parameter.placements)
