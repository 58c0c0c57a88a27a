"""A loss whose gradient was computed elsewhere: vectors that a balancing method combines as if they were gradients."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


class _Given(torch.autograd.Function):
    """The value of a loss, and its gradient with respect to each parameter."""

    runs_no_backward = True

    @staticmethod
    def forward(ctx: Any, value: float, gradients: Sequence[Tensor | None], *parameters: Tensor) -> Tensor:
        """Return the value as a scalar of the first parameter's type, on its device."""
        ctx.gradients = gradients
        return parameters[0].new_tensor(value)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients times the factor on the loss; they themselves are left alone."""
        return None, None, *[None if gradient is None else gradient * factor for gradient in ctx.gradients]


_apply: Callable[..., Tensor] = _Given.apply


def given_loss(value: float, gradients: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> Tensor:
    """Return a loss with a graph, for `TaskBalancer.backward`.

    Args:
        value: L_n.
        gradients: ∇L_n or any other vector, a tensor for each parameter; None for zeros.
        parameters: The trainable ones, at least one.

    Returns:
        () that is L_n, and whose backward pass gives the gradients.

    Example:
        >>> theta = torch.nn.Parameter(torch.ones(2))
        >>> (3 * given_loss(0.5, [torch.tensor([1.0, 2.0])], [theta])).backward()
        >>> theta.grad
        tensor([3., 6.])
    """
    return _apply(value, gradients, *parameters)
