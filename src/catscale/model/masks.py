"""Masks of weights: the numbers of a matrix that take part for a direction, eight to a byte.

Legend: D numbers of a matrix, k = int(rate · D) of them left out, N directions.

Bit j of byte i is of the number 8 i + j of the flattened matrix, 1 where it is kept. Source: Lin, Wu, Wang and Li, ACL
2021.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

BYTES = [[(byte >> bit) & 1 for bit in range(8)] for byte in range(256)]
CHUNK = 1 << 20
"""Numbers that are compared at a time: counts of them are exact in float32."""


def size_in_bytes(numbers: int) -> int:
    """Return how many bytes the mask of a matrix takes.

    Example:
        >>> [size_in_bytes(numbers) for numbers in (1, 8, 9)]
        [1, 1, 2]
    """
    return -(-numbers // 8)


def keep_largest(weight: Tensor, rate: float) -> Tensor:
    """Return which numbers of a matrix are kept: all but the k of the smallest magnitude.

    Exactly k go: of equal magnitudes, those that come first in the matrix, row by row. Where k is 0, all are kept.

    Args:
        weight: The matrix, finite.
        rate: The share that is left out.

    Returns:
        A bool tensor of the matrix's shape.

    Example:
        >>> keep_largest(torch.tensor([[0.5, -0.1], [0.1, -2.0]]), 0.25).tolist()
        [[True, False], [True, True]]
    """
    order = weight.detach().abs().flatten().argsort(stable=True)
    kept = torch.ones(weight.numel(), dtype=torch.bool, device=weight.device)
    kept[order[: int(rate * weight.numel())]] = False
    return kept.view(weight.shape)


def pack(kept: Tensor) -> Tensor:
    """Return the bytes of a mask, uint8.

    Example:
        >>> pack(torch.tensor([True, False, True, False, False, False, False, True, True])).tolist()
        [133, 1]
    """
    flat = kept.flatten().to(torch.uint8)
    bits = flat.new_zeros(8 * size_in_bytes(flat.numel()))
    bits[: flat.numel()] = flat
    powers = 2 ** torch.arange(8, dtype=torch.uint8, device=flat.device)
    return (bits.view(-1, 8) * powers).sum(1, dtype=torch.uint8)


def unpack(packed: Tensor, shape: Sequence[int]) -> Tensor:
    """Return the mask that bytes hold, a bool tensor of a matrix's shape.

    Example:
        >>> unpack(torch.tensor([133, 1], dtype=torch.uint8), (9,)).int().tolist()
        [1, 0, 1, 0, 0, 0, 0, 1, 1]
    """
    bits = _table(packed.device)[packed.int()].view(torch.bool)  # eight bytes are one number of the table
    return bits[: torch.Size(shape).numel()].view(tuple(shape))


def _table(device: torch.device) -> Tensor:
    """Return (256,) int64, whose eight bytes are the bits of each byte."""
    return torch.tensor(BYTES, dtype=torch.uint8, device=device).view(torch.int64).flatten()


def count_common(masks: Tensor, numbers: int) -> Tensor:
    """Count the numbers of a matrix that two directions both keep.

    Args:
        masks: (N, bytes) uint8, a row for each direction.
        numbers: D.

    Returns:
        (N, N) int64; the diagonal counts what each keeps.
    """
    total = torch.zeros(len(masks), len(masks), dtype=torch.int64, device=masks.device)
    for start in range(0, numbers, CHUNK):
        part = masks[:, start // 8 : size_in_bytes(start + CHUNK)]
        length = min(CHUNK, numbers - start)
        kept = torch.stack([unpack(row, (length,)) for row in part]).float()
        total += (kept @ kept.T).long()
    return total
