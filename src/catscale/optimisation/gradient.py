"""The combined gradient of a step: its norm over all trainable parameters, its products, and the bound of the norm."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from catscale.errors import DivergedError


def gradients_of(parameters: Sequence[Tensor]) -> list[Tensor | None]:
    """List the gradients that are there, None where there is none."""
    return [parameter.grad for parameter in parameters]


def norm_of(gradients: Sequence[Tensor | None]) -> float:
    """Return ‖g‖ over all gradients that are there.

    Raises:
        DivergedError: If it is not finite.
    """
    return _finite(torch.nn.utils.get_total_norm([gradient for gradient in gradients if gradient is not None]))


def inner_product(one: Sequence[Tensor | None], two: Sequence[Tensor | None]) -> float:
    """Return ⟨a, b⟩ over all parameters; None is a gradient of 0.

    Raises:
        DivergedError: If it is not finite.
    """
    products = [
        (a * b).sum(dtype=torch.float64) for a, b in zip(one, two, strict=True) if a is not None and b is not None
    ]
    return sum((_finite(product) for product in products), 0.0)


def clip_gradient(parameters: Sequence[Tensor], bound: float | None, norm: Tensor | None = None) -> None:
    """Shorten the gradient to a bound, in place: g ← g · min(1, bound / ‖g‖).

    Args:
        parameters: All that are trained.
        bound: None for none.
        norm: ‖g‖ over them where it is known, which then is not read; None for finding it.

    Raises:
        DivergedError: If ‖g‖ is not finite.
    """
    if norm is None:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        _finite(norm)
    if bound is not None:
        torch.nn.utils.clip_grads_with_norm_(parameters, bound, norm)


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
