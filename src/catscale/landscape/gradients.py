"""First derivatives of losses that are computed one at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor

from catscale.landscape.hessian import LossFunction


def sum_gradients(losses: Sequence[LossFunction], parameters: Sequence[Tensor]) -> list[Tensor | None]:
    """Return the gradient of a sum of losses; one graph at a time is alive, and `.grad` is not touched.

    Args:
        losses: Functions that return scalar losses.
        parameters: P tensors.

    Returns:
        A tensor for each of the parameters, None where no loss depends on it.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        >>> sum_gradients([lambda: theta.sum(), lambda: theta[1] ** 2], [theta])
        [tensor([1., 5.])]
    """
    total: list[Tensor | None] = [None] * len(parameters)
    for loss in losses:
        with torch.enable_grad():
            found = torch.autograd.grad(loss(), parameters, allow_unused=True)
        total = [b if a is None else a if b is None else a + b for a, b in zip(total, found, strict=True)]
    return total
