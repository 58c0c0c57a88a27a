"""The Gram matrix of task gradients, accurate and cheap.

Legend: K tasks, P parameter tensors, D numbers in all of them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

CHUNK = 4096
"""Columns multiplied in float32 before their product is added in float64: error 7e-8, where one float32 product of
all columns errs by 1e-3 (measured at D = 7.6 million)."""


def gramian(gradients: Sequence[Sequence[Tensor | None]]) -> Tensor:
    """G_ij = <g_i, g_j>.

    Args:
        gradients: K lists of P tensors, the same shapes in every list; None is a zero gradient.

    Returns:
        (K, K) float64 on the CPU.
    """
    total: Tensor | None = None
    for parts in zip(*gradients, strict=True):
        shape = next((part.shape for part in parts if part is not None), None)
        if shape is None:
            continue
        part = _products([p if p is None else p.detach().reshape(-1) for p in parts])
        total = part if total is None else total + part
    size = len(gradients)
    return torch.zeros(size, size, dtype=torch.float64) if total is None else total.cpu()


def _products(parts: Sequence[Tensor | None]) -> Tensor:
    """(K, K) float64 products of K flat tensors of one parameter, None standing for zeros."""
    like = next(part for part in parts if part is not None)
    with torch.autocast(like.device.type, enabled=False):  # the caller's losses may be evaluated under one
        return _chunked_products(parts, like)


def _chunked_products(parts: Sequence[Tensor | None], like: Tensor) -> Tensor:
    """The same, with the shape, device and dtype of `like`."""
    columns = like.numel()
    chunks = -(-columns // CHUNK)
    rows = like.new_zeros(
        len(parts),
        chunks * CHUNK if columns > CHUNK else columns,
        dtype=torch.promote_types(like.dtype, torch.float32),
    )
    for row, part in zip(rows, parts, strict=True):
        if part is not None:
            row[:columns] = part
    if columns <= CHUNK:
        return (rows @ rows.T).double()
    blocks = rows.view(len(parts), chunks, CHUNK).transpose(0, 1)
    return torch.bmm(blocks, blocks.transpose(1, 2)).sum(0, dtype=torch.float64)
