"""Gradients that are hard to combine, and the weights that a method finds for them."""

import torch

from catscale.balancing import Signals
from catscale.balancing.checks import trajectory
from catscale.balancing.methods.gramian_method import GramianMethod

ROWS = [step.gradients for size in (2, 3, 5) for step in trajectory(size=size)[:8]]


def weigh(method: GramianMethod, rows: torch.Tensor) -> torch.Tensor:
    signals = Signals(torch.arange(len(rows)), torch.ones(len(rows)), rows @ rows.T)
    return method.step(method.init(len(rows)), signals)[0]


def hard_rows(seed: int, scale: float, kind: str) -> torch.Tensor:
    """(K, D) float64, K in 3 … 8; one row `scale` times as long as the others, which may be dependent."""
    generator = torch.Generator().manual_seed(seed)
    size, width = 3 + seed % 6, 2 + (seed * 7) % 10
    rows = torch.randn(size, width, generator=generator, dtype=torch.float64)
    if kind == "opposed":
        rows[1] = -3 * rows[0]
    elif kind == "repeated":
        rows[1] = rows[0]
    elif kind == "dependent":
        rows[2] = -0.3 * rows[0] - 0.2 * rows[1]
    rows[seed % size] *= scale
    return rows


KINDS = ("independent", "opposed", "repeated", "dependent")
SCALES = (1e-6, 1e-2, 1.0, 1e3, 1e6)
