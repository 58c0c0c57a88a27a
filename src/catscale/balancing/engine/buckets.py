"""The sum of gradients over the processes, bucket by bucket, while the backward pass that finds them goes on.

A bucket holds the gradients of neighbouring parameters, the last ones first, as a backward pass finds them, and behind
them how many processes have each: a parameter that none has reached keeps no gradient. All processes sum the same
buckets in the same order; when each of them begins is its own affair.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from catscale.errors import ConfigError

BUCKET = 2**23
"""Most numbers of a bucket of several gradients."""


@dataclass
class Bucket:
    """Gradients that are summed together.

    Attributes:
        places: Positions of the parameters.
        missing: Positions that this backward pass has not reached.
        is_whole: Whether this process has each gradient.
        flat: Gradients and numbers of owners, once they are on their way.
        handle: The handle of the sum, to wait by.
    """

    places: list[int]
    missing: set[int]
    is_whole: bool = False
    flat: Tensor | None = None
    handle: Any = None


def plan_buckets(tensors: Sequence[Tensor], limit: int = BUCKET) -> list[list[int]]:
    """Return the positions of the gradients of each bucket: neighbours of one kind, from the last to the first.

    Args:
        tensors: The parameters.
        limit: Most numbers of a bucket of several.

    Example:
        >>> plan_buckets([torch.zeros(3), torch.zeros(2), torch.zeros(9)], limit=5)
        [[2], [1, 0]]
    """
    buckets: list[list[int]] = []
    size, kind = 0, None
    for place in range(len(tensors) - 1, -1, -1):
        tensor = tensors[place]
        if not buckets or kind != (tensor.dtype, tensor.device) or size + tensor.numel() > limit:
            buckets.append([])
            size, kind = 0, (tensor.dtype, tensor.device)
        buckets[-1].append(place)
        size += tensor.numel()
    return buckets


def send_there(numbers: Sequence[float], like: Tensor) -> Tensor:
    """Return (n,) numbers of a tensor's type, on its device, for which the host does not wait."""
    return torch.tensor(numbers, dtype=like.dtype).to(like.device, non_blocking=True)


class GradientSum:
    """The gradients of this process on their way to becoming those of all.

    Args:
        like: Tensors with the shapes of the gradients, none of them sharded.
        group: The processes; None for all.
        divisor: The number that sums are divided by.
    """

    def __init__(self, like: Sequence[Tensor], group: "dist.ProcessGroup | None", divisor: float = 1.0) -> None:
        self.like, self.group, self.divisor = like, group, divisor
        self.buckets = [Bucket(places, set(places)) for places in plan_buckets(like)]
        self.owner = {place: bucket for bucket in self.buckets for place in bucket.places}
        self._begun = 0

    @contextmanager
    def during(self) -> Iterator[None]:
        """Send buckets on their way inside the block as soon as a backward pass has found all of their gradients."""
        hooks = [self._watch(place, tensor) for place, tensor in enumerate(self.like) if tensor.requires_grad]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _watch(self, place: int, parameter: Tensor) -> Any:
        register: Any = parameter.register_post_accumulate_grad_hook
        return register(partial(self._found, place))

    def _found(self, place: int, parameter: Tensor) -> None:
        """Note that a gradient of the last backward pass is there.

        Raises:
            ConfigError: If its bucket has gone.
        """
        bucket = self.owner[place]
        if bucket.flat is not None:
            raise ConfigError(
                f"a parameter of shape {tuple(parameter.shape)} must get its gradient once in a backward pass, found "
                "twice without a function in the graph that runs a pass of its own; call no backward in hooks"
            )
        bucket.missing.discard(place)
        while self._begun < len(self.buckets) and not self.buckets[self._begun].missing:
            following = self.buckets[self._begun]
            self._begin(following, [self.like[number].grad for number in following.places])

    def _begin(self, bucket: Bucket, gradients: Sequence[Tensor | None]) -> None:
        """Send the first bucket that has not gone on its way."""
        likes = [self.like[place] for place in bucket.places]
        parts = [
            (torch.zeros_like(like) if gradient is None else gradient.detach()).reshape(-1)
            for like, gradient in zip(likes, gradients, strict=True)
        ]
        owned = [float(gradient is not None) for gradient in gradients]
        bucket.is_whole = all(owned)
        bucket.flat = torch.cat([*parts, send_there(owned, likes[0])])
        sent = torch.view_as_real(bucket.flat) if bucket.flat.is_complex() else bucket.flat
        bucket.handle = dist.all_reduce(sent, group=self.group, async_op=True)
        self._begun += 1

    def begin(self, gradients: Sequence[Tensor | None]) -> None:
        """Send the buckets that have not gone on their way.

        Args:
            gradients: This process's.
        """
        for bucket in self.buckets[self._begun :]:
            self._begin(bucket, [gradients[place] for place in bucket.places])

    def wait(self) -> list[Tensor | None]:
        """Return the sums, which share the buckets' memory; None where no process has a gradient."""
        found: list[Tensor | None] = [None] * len(self.like)
        for bucket in self.buckets:
            for place, gradient in zip(bucket.places, self._take(bucket), strict=True):
                found[place] = gradient
        return found

    def _take(self, bucket: Bucket) -> list[Tensor | None]:
        """Wait for a bucket and return its sums."""
        bucket.handle.wait()
        flat, likes = bucket.flat, [self.like[place] for place in bucket.places]
        assert flat is not None
        *parts, owners = torch.split(flat, [*(like.numel() for like in likes), len(likes)])
        if self.divisor != 1.0:
            flat[: -len(likes)] /= self.divisor
        # What this process lacks another one may have, which is read from the device.
        is_there = [True] * len(likes) if bucket.is_whole else (owners.real > 0).tolist()
        return [part.view_as(like) if there else None for part, like, there in zip(parts, likes, is_there, strict=True)]
