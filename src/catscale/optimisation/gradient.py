"""The combined gradient of a step: its norm over all trainable parameters, and the bound of it."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from catscale.errors import DivergedError


def gradient_norm(parameters: Sequence[Tensor]) -> float:
    """Return ‖g‖ over all parameters that have a gradient.

    Raises:
        DivergedError: If it is not finite.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return _finite(torch.nn.utils.get_total_norm(gradients))


def clip_gradient(parameters: Sequence[Tensor], bound: float | None) -> float:
    """Shorten the gradient to a bound, in place: g ← g · min(1, bound / ‖g‖).

    Args:
        parameters: All that are trained.
        bound: None for none.

    Returns:
        ‖g‖ before.

    Raises:
        DivergedError: If it is not finite.
    """
    return _finite(torch.nn.utils.clip_grad_norm_(parameters, math.inf if bound is None else bound))


def _finite(norm: Tensor) -> float:
    """Return a norm as a number; a sharded gradient's is put together from all processes.

    Raises:
        DivergedError: If it is not finite.
    """
    whole: Tensor = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
    value = whole.item()
    if not math.isfinite(value):
        raise DivergedError(f"the combined gradient has norm {value}; lower optimizer.learning_rate")
    return value
