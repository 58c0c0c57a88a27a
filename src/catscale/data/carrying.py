"""The tensors of a batch on their way to a device: one copy of 32-bit numbers, from memory that is not paged out."""

from collections.abc import Mapping

import torch
from torch import Tensor


def carry(tensors: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """Return int64 tensors on a device.

    Args:
        tensors: Numbers of less than 32 bits: ids, places and masks.
        device: A GPU is given one buffer for all of them, which it fetches while the host goes on.
    """
    if device.type != "cuda":
        return {name: tensor.to(device, non_blocking=True) for name, tensor in tensors.items()}
    return unpack(pack(tensors).pin_memory().to(device, non_blocking=True), tensors)


def pack(tensors: Mapping[str, Tensor]) -> Tensor:
    """Return (n,) int32, the numbers of all tensors one after the other."""
    return torch.cat([tensor.flatten().to(torch.int32) for tensor in tensors.values()])


def unpack(packed: Tensor, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that `pack` put together, int64, on the device of the packed ones.

    Args:
        packed: (n,) int32.
        like: Tensors of the same names and shapes, in the same order.
    """
    parts = torch.split_with_sizes(packed.long(), [tensor.numel() for tensor in like.values()])
    return {name: part.view(tensor.shape) for part, (name, tensor) in zip(parts, like.items(), strict=True)}
