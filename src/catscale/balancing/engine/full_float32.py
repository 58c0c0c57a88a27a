"""Matrix products of float32 in full precision, whatever the process computes its own in."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Compute, for the block, products without autocast and without TF32, which rounds factors to 10 bits.

    Args:
        device: The factors' device.
    """
    products = torch.backends.cuda.matmul
    before = products.fp32_precision
    rounds = device.type == "cuda" and before != "ieee"
    with torch.autocast(device.type, enabled=False):  # the caller's losses may be evaluated under one
        if rounds:
            products.fp32_precision = "ieee"
        try:
            yield
        finally:
            if rounds:
                products.fp32_precision = before
