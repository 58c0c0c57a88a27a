"""Task gradients that are hard to balance: scales, zeros, opposition, noise."""

import torch
from torch import Tensor

from catscale.balancing import Request, Signals
from catscale.balancing.engine.unbiased import unbiased_square

COLUMNS = 9


def adversarial_rows(kind: str, step: int, size: int, generator: torch.Generator) -> Tensor:
    """(K, D) gradients of one kind."""
    rows = torch.randn(size, COLUMNS, generator=generator, dtype=torch.float64)
    scales = {"huge": 1e15, "tiny": 1e-15, "zero": 0.0, "alternating": 1e15 if step % 2 else 1e-15}
    if kind in scales:
        return rows * scales[kind]
    if kind == "scales":
        return rows * 10 ** (torch.rand(size, 1, generator=generator, dtype=torch.float64) * 30 - 15)
    if kind in ("rank one", "rank one, huge"):
        factors = torch.linspace(-2, 3, size, dtype=torch.float64)[:, None]
        return rows[:1] * factors * (1e15 if "huge" in kind else 1)
    if kind == "aligned":
        return rows[:1].repeat(size, 1)
    if kind == "one zero":
        return rows * (torch.arange(size) > 0).double()[:, None]
    if kind == "opposed":
        return torch.cat([rows[: size - 1], -rows[: size - 1].sum(0, keepdim=True)])
    return rows


KINDS = [
    "random",
    "scales",
    "huge",
    "tiny",
    "rank one",
    "rank one, huge",
    "aligned",
    "zero",
    "one zero",
    "opposed",
    "alternating",
    "indefinite",
]
"""All of them; "indefinite" has the diagonal that two halves of noise give."""


def shown(
    request: Request, ids: Tensor, losses: Tensor, gramian: Tensor, weights: Tensor, diagonal: Tensor | None = None
) -> Signals:
    """What the engine would show of a Gram matrix at these weights; `diagonal` is that of halves."""
    if request.kind == "nothing":
        return Signals(ids, losses)
    if diagonal is not None:
        gramian = gramian.clone()
        gramian.diagonal().copy_(diagonal)
    if request.kind == "products":
        return Signals(ids, losses, products=gramian @ weights)
    if request.kind == "norms":
        return Signals(ids, losses, norms=gramian.diagonal().clamp(min=0).sqrt())
    return Signals(ids, losses, gramian=gramian)


def noisy_diagonal(rows: Tensor, generator: torch.Generator) -> Tensor:
    """(K,) squares from two halves whose noise is several times the gradient; some are negative."""
    noise = 3 * rows.norm(dim=1, keepdim=True) * torch.randn(rows.shape, generator=generator, dtype=torch.float64)
    first = rows / 2 + noise
    half = torch.full((len(rows),), 0.5, dtype=torch.float64)
    return unbiased_square(rows.square().sum(1), first.square().sum(1), (first * rows).sum(1), half)
