"""Products of task gradients, accurate and cheap: the Gram matrix, the norms, and the products with one vector.

Legend: K tasks, P parameter tensors, D numbers in all of them, g_n gradient of task n.

Of complex gradients the real part of the inner product is taken, Re Σ conj(a) b, as for their real and imaginary parts.

Scales, one number for each of the D, may be multiplied into every gradient, for products in another metric.

Columns are copied, block by block, into a buffer, multiplied there in chunks of 256 and summed in float64: the relative
error is 7e-8, where one float32 product of all columns errs by 1e-3 (D = 7.6 million), and the K gradients are read
once. On a CPU the buffer fits a cache. Elsewhere it is large, so that few operations are started, and products are of
float32 in full (`catscale.balancing.engine.full_float32`), since float64 is slow on many devices. Sums stay on the
device until the end, which waits once.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from catscale.balancing.engine.full_float32 import full_float32

CHUNK = 256
"""Columns multiplied in float32 before their product is added in float64."""
BUFFER, LARGE_BUFFER = 2**20, 2**26
"""Numbers in the buffer, K rows of one or more chunks: 4 MiB on a CPU, 256 MiB on other devices."""

STRIPE = 16
"""Rows of a Gram matrix that a CPU computes at a time, from the diagonal on: 0.72 of all of it at K = 64."""

GradientRow = Sequence[Tensor | None]
"""One task's gradient: P tensors, None where it is zero."""
Scales = Sequence[Tensor]
"""P tensors that gradients are multiplied with, number by number; none of them is 1 everywhere."""


def gramian(gradients: Sequence[GradientRow], scales: Scales = ()) -> Tensor:
    """Return the Gram matrix G_ij = <g_i, g_j>.

    Args:
        gradients: K lists of P tensors, the same shapes in every list; None is a zero gradient.
        scales: The factors on the numbers of each gradient.

    Returns:
        (K, K) float64 on the CPU.
    """
    count = len(gradients)
    found = _sum(map(_upper, _scaled(gradients, scales)), (count, count)).cpu()
    return found.triu() + found.triu(1).T


def squared_norms(gradients: Sequence[GradientRow], scales: Scales = ()) -> Tensor:
    """Return the (K,) float64 ‖g_n‖² on the CPU; arguments as for `gramian`."""
    return _sum(map(_squares, _scaled(gradients, scales)), (len(gradients),)).cpu()


def products(gradients: Sequence[GradientRow], vector: GradientRow, scales: Scales = ()) -> tuple[Tensor, Tensor]:
    """Return <g_n, v> and ‖g_n‖², (K,) each, float64 on the CPU; arguments as for `products_there`."""
    found, squares = products_there(gradients, vector, scales).cpu()
    return found, squares


def products_there(gradients: Sequence[GradientRow], vector: GradientRow, scales: Scales = ()) -> Tensor:
    """Return <g_n, v> and ‖g_n‖² without waiting for the device.

    Args:
        gradients: The rows, as for `gramian`.
        vector: v, with the shapes of one gradient, None where it is zero.
        scales: The factors on the numbers of each gradient and of v.

    Returns:
        (2, K) float64, where the gradients are; on the CPU where all of them are None.
    """

    def multiply(block: Tensor) -> Tensor:
        rows, last = block[:-1], block[-1]  # (K, c, 256), (c, 256)
        return torch.stack([_multiply(rows.transpose(0, 1), last[:, :, None])[:, 0], _squares(rows)])

    return _sum(map(multiply, _scaled([*gradients, vector], scales)), (2, len(gradients)))


def _upper(rows: Tensor) -> Tensor:
    """Multiply (K, c, 256) rows with each other, (K, K) float64; below the diagonal, not all of it is computed."""
    step = STRIPE if rows.device.type == "cpu" else len(rows)
    found = rows.new_zeros(len(rows), len(rows), dtype=torch.float64)
    for start in range(0, len(rows), step):
        stripe = rows[start : start + step].transpose(0, 1)
        found[start : start + step, start:] = _multiply(stripe, rows[start:].permute(1, 2, 0))
    return found


def _sum(terms: Iterable[Tensor], shape: tuple[int, ...]) -> Tensor:
    """Return the float64 sum of terms of a shape, where the last of them is; zeros on the CPU where there is none."""
    total: Tensor | None = None
    for term in terms:
        total = term if total is None else total.to(term.device) + term
    return torch.zeros(shape, dtype=torch.float64) if total is None else total


def block_numbers(device: torch.device) -> int:
    """Return the numbers that are multiplied at a time on a device."""
    return BUFFER if device.type == "cpu" else LARGE_BUFFER


def _squares(rows: Tensor) -> Tensor:
    """Sum squares: (K, c, 256) → (K,) float64."""
    norms: Tensor = torch.linalg.vector_norm(rows, dim=2)
    return norms.double().square().sum(1)


def _multiply(left: Tensor, right: Tensor) -> Tensor:
    """Sum the c products of (c, I, M) and (c, M, J) → (I, J) float64."""
    with full_float32(left.device):
        return torch.bmm(left, right).sum(0, dtype=torch.float64)


def _scaled(gradients: Sequence[GradientRow], scales: Scales) -> Iterator[Tensor]:
    """Yield the blocks of the gradients, each of them times the scales, which are one more row of the buffer."""
    if not scales:
        yield from _blocks(gradients)
        return
    for block in _blocks([*gradients, scales]):
        yield block[:-1].mul_(block[-1])


def _blocks(gradients: Sequence[GradientRow]) -> Iterator[Tensor]:
    """Yield (K, c, 256) blocks in one buffer, which hold the columns of all parameters in turn, zeros after the last,
    and (K, 1, c) of a last block that is less than a chunk; float32 or wider."""
    buffer: Tensor | None = None
    pieces: list[list[Tensor]] = [[] for _ in gradients]
    filled = 0
    for given in zip(*gradients, strict=True):
        parts = [_real(part) for part in given]
        like = next((part for part in parts if part is not None), None)
        if like is None or not like.numel():
            continue
        dtype = torch.promote_types(like.dtype, torch.float32)
        if buffer is not None and (buffer.dtype, buffer.device) != (dtype, like.device):
            if filled:
                yield _close(buffer, pieces, filled)
            buffer, filled = None, 0
        if buffer is None:
            columns = CHUNK * max(1, block_numbers(like.device) // (CHUNK * len(parts)))
            buffer = like.new_empty(len(parts) * columns, dtype=dtype)
        columns = len(buffer) // len(parts)
        flat = [like.new_zeros(like.numel()) if part is None else part.detach().reshape(-1) for part in parts]
        start, size = 0, like.numel()
        while start < size:
            taken = min(size - start, columns - filled)
            for row, part in zip(pieces, flat, strict=True):
                row.append(part[start : start + taken])
            start, filled = start + taken, filled + taken
            if filled == columns:
                yield _close(buffer, pieces, filled)
                filled = 0
    if buffer is not None and filled:
        yield _close(buffer, pieces, filled)


def _real(part: Tensor | None) -> Tensor | None:
    """Return a complex gradient as its real and imaginary parts side by side, whose product is the real inner
    product."""
    return part if part is None or not part.is_complex() else torch.view_as_real(part.detach().resolve_conj())


def _close(buffer: Tensor, pieces: Sequence[list[Tensor]], filled: int) -> Tensor:
    """Copy the K rows of pieces into the buffer in one operation, and forget them.

    Returns:
        (K, c, 256), the last chunk completed by zeros; (K, 1, c) if it is less than a chunk.
    """
    chunk = min(filled, CHUNK)
    width = -(-filled // chunk) * chunk
    rest = [buffer.new_zeros(width - filled)] if width > filled else []
    block = buffer[: len(pieces) * width]
    torch.cat([piece for row in pieces for piece in [*row, *rest]], out=block)
    for row in pieces:
        row.clear()
    return block.view(len(pieces), -1, chunk)
