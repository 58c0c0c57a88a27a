"""Parameters that are moved for a while, and back bit for bit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

SMALLEST = 1e-12
"""The number that keeps a gradient of 0 from being divided by its norm."""


@contextmanager
def moved(parameters: Sequence[Tensor], steps: Sequence[Tensor | None], scale: float) -> Iterator[None]:
    """Move parameters to θ + scale · step inside the block, and afterwards to the θ that was put aside.

    θ + step − step would round.

    Args:
        parameters: θ.
        steps: A tensor for each parameter, None where it stays.
        scale: The factor on all steps.
    """
    before = [parameter.detach().clone() for parameter in parameters]
    with torch.no_grad():
        for parameter, step in zip(parameters, steps, strict=True):
            if step is not None:
                parameter.add_(step, alpha=scale)
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(parameters, before, strict=True):
                parameter.copy_(value)
