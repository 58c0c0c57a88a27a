"""Dropout's masks on a processor, four from each 64-bit random number.

PyTorch's `bernoulli_`, which its dropout calls on a processor, draws a random number for each number of the mask. Here
a mask's number is 1 where 16 random bits are below a threshold; 64 bits that the same generator draws give four. So
probabilities are in steps of 1/65,536, and the state of the generator is all that a later step depends on.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Generator, Tensor
from torch.library import Library, get_kernel

OPERATOR, KEY = "bernoulli_.float", "CPU"
LEVELS = 2**16
"""Values of 16 bits."""
AT_ONCE = 2**18
"""Numbers of a mask that are drawn at once: as many bits as a cache holds."""

Kernel = Callable[..., Tensor]
"""A function that fills a tensor with zeros and ones, as `Tensor.bernoulli_(p, generator=…)`."""


@contextmanager
def draw_masks_from_bits(device: torch.device) -> Iterator[None]:
    """Have PyTorch draw the masks of dropout from bits inside the block, where the model is on a processor.

    It is the operator's kernel that is replaced, for the whole process, and restored when the block is left. Left to
    PyTorch are calls with a generator of their own, tensors that are not contiguous, and probabilities that round to 0
    or 1.

    Args:
        device: The model's; nothing happens on other ones.
    """
    if device.type != "cpu":
        yield
        return
    _take_warning()
    with _replace_present(_make_kernel()):
        yield


@contextmanager
def _replace_present(kernel: Kernel) -> Iterator[None]:
    """Have PyTorch fill tensors with a kernel inside the block."""
    make: Any = Library
    library = make("aten", "IMPL")
    try:
        library.impl(OPERATOR, kernel, KEY, allow_override=True)
        yield
    finally:
        library._destroy()


@cache
def _take_warning() -> None:
    """Have PyTorch warn, unheard, that a kernel is replaced, as it does of the first one in a process.

    Once: `catch_warnings` has Python repeat what else was said, which is not to happen at every step.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with _replace_present(_make_kernel()):
            pass


def _make_kernel() -> Kernel:
    """Return a kernel that draws from bits, with the present one for what it does not draw."""
    present, keys = get_kernel(f"aten::{OPERATOR}", KEY), torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)

    def fill(values: Tensor, p: float = 0.5, *, generator: Generator | None = None) -> Tensor:
        ones = round(p * LEVELS) if 0 < p < 1 else 0
        if generator is not None or not values.is_contiguous() or not 0 < ones < LEVELS:
            result: Tensor = present.call_boxed(keys, values, p, generator=generator)
            return result
        for part in torch.split(values.view(-1), AT_ONCE):
            words = torch.empty(-(-part.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
            torch.lt(words.view(torch.int16)[: part.numel()], ones - LEVELS // 2, out=part)
        return values

    return fill
