"""The numbers of a step that the host reads, in one copy: losses, the gradients' norm, and what a caller adds.

Each copy makes the host wait until the device has computed all that was launched before. Norms are kept, so that
whoever bounds the gradient afterwards need not find them again. Where nothing that follows depends on the numbers, they
are sent (`send_numbers`), and read when they have arrived.

Legend: K tasks, R numbers of a caller's report.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from catscale.balancing.engine.ranks import Ranks, take_local

Report = Callable[[], Tensor]
"""A function that returns (R,) numbers of a step, called after its losses."""


class GradientNorms:
    """The Euclidean norm of each gradient, where it was computed.

    Args:
        tensors: The tensors whose `.grad` is looked at.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        parts = {id(tensor): part for tensor in tensors if (part := _part_of(tensor)) is not None}
        found = list(parts.values())
        self._each: dict[int, Tensor] | None = None
        if len({(part.device, part.dtype) for part in found}) == 1:
            self._each = dict(zip(parts, torch._foreach_norm(found), strict=True))
            self.total = _norm_of(list(self._each.values()))
        else:
            self.total = torch.nn.utils.get_total_norm(found)

    def over(self, tensors: Iterable[Tensor]) -> Tensor | None:
        """Return the () norm over some of the gradients; None where they are not known one by one.

        It is bit for bit what `torch.nn.utils.get_total_norm` gives for these tensors in this order.
        """
        there = [tensor for tensor in tensors if tensor.grad is not None]
        if self._each is None or not there or any(id(tensor) not in self._each for tensor in there):
            return None
        return _norm_of([self._each[id(tensor)] for tensor in there])


@dataclass(frozen=True)
class StepNumbers:
    """The numbers that were read, summed over the processes, on the CPU.

    Attributes:
        values: (K,) float64 losses, or whatever was given in their place.
        report: R numbers.
        norms: The norms of this process's gradients; None where their sum of squares is not finite, on any process.
    """

    values: Tensor
    report: list[float]
    norms: GradientNorms | None


def read_numbers(values: Tensor, tensors: Sequence[Tensor], ranks: Ranks, report: Report | None) -> StepNumbers:
    """Read the numbers of a step.

    Args:
        values: (K,) float64 of this process, on its device.
        tensors: The tensors whose gradients are there, summed over the processes, or shards of them.
        ranks: The processes, over which values and report are summed.
        report: More numbers; None for none.
    """
    packed, norms = _pack(values, tensors, report)
    return _unpack(ranks.sum(packed), len(values), norms)


class SentNumbers:
    """The numbers of a step on their way to the host.

    Args:
        summed: (K + 1 + R,) float64 as `_pack` has them, summed over the processes, on the device.
        tasks: K.
        norms: The norms of this process's gradients.

    Attributes:
        norms: These norms, finite or not.
        spoilt: () float32 on the device, 1 where a loss or the sum of squares of the gradient is not finite, else 0.
    """

    def __init__(self, summed: Tensor, tasks: int, norms: GradientNorms) -> None:
        self.norms, self._tasks = norms, tasks
        self.spoilt = 1 - summed[: tasks + 1].isfinite().all().float()
        self._sent = summed.to("cpu", non_blocking=True)
        self._arrival: torch.Event | None = None
        if summed.device.type != "cpu":
            self._arrival = torch.Event(summed.device)
            self._arrival.record(torch.accelerator.current_stream(summed.device))  # not that of the current device

    def wait(self) -> StepNumbers:
        """Return them when they have arrived."""
        if self._arrival is not None:
            self._arrival.synchronize()
        return _unpack(self._sent, self._tasks, self.norms)


def send_numbers(values: Tensor, tensors: Sequence[Tensor], ranks: Ranks, report: Report | None) -> SentNumbers:
    """Send what `read_numbers` reads, without waiting for it; arguments as there."""
    packed, norms = _pack(values, tensors, report)
    return SentNumbers(ranks.sum_there(packed), len(values), norms)


def _pack(values: Tensor, tensors: Sequence[Tensor], report: Report | None) -> tuple[Tensor, GradientNorms]:
    """Return (K + 1 + R,) float64 on the device, values, norm of all gradients and report, and the norms of each."""
    norms = GradientNorms(tensors)
    parts = [values, norms.total.reshape(1), *([] if report is None else [report()])]
    return torch.cat([_move(part.detach().double(), norms.total.device) for part in parts]), norms


def _move(part: Tensor, device: torch.device) -> Tensor:
    """Return numbers on a device; a copy to the host is waited for, for it is not whole before."""
    return part.to(device, non_blocking=part.device.type == "cpu")


def _unpack(read: Tensor, tasks: int, norms: GradientNorms) -> StepNumbers:
    finite = norms if math.isfinite(read[tasks]) else None
    return StepNumbers(read[:tasks], read[tasks + 1 :].tolist(), finite)


def _part_of(tensor: Tensor) -> Tensor | None:
    """Return this process's part of a gradient; None where there is none or it is empty."""
    gradient = tensor.grad
    if gradient is None:
        return None
    part = take_local(gradient.coalesce().values() if gradient.is_sparse else gradient)
    return part if part is not None and part.numel() else None


def _norm_of(norms: Sequence[Tensor]) -> Tensor:
    found: Tensor = torch.linalg.vector_norm(torch.stack(list(norms)))
    return found


def have_finite_parts(tensors: Iterable[Tensor]) -> bool:
    """Return whether each number of the gradients is finite, also where the sum of their squares is not."""
    parts = [part for tensor in tensors if (part := _part_of(tensor)) is not None]
    return bool(torch.nn.utils.get_total_norm(parts, math.inf).isfinite())
