"""The smoothed cross-entropy of each token, and its gradient, from logits.

Legend: M predicted tokens, V vocabulary, z logits, y label, ε smoothing.

    loss = − (1 − ε) log p_y − ε mean(log p);   ∂loss/∂z = p − (1 − ε) onehot(y) − ε / V,   p = softmax(z)
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def find_losses(scores: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Return the (M,) smoothed losses and the (M,) NLL from (M, V) log p."""
    picked = scores.gather(1, labels[:, None]).squeeze(1)
    smoothed = (1 - smoothing) * picked + smoothing * scores.mean(1) if smoothing else picked
    return -smoothed, -picked


def overwrite_by_gradient(scores: Tensor, labels: Tensor, smoothing: float, factors: Tensor) -> Tensor:
    """Return the (M, V) gradient of the sum of the losses times (M,) factors, in the place of (M, V) log p."""
    grad = scores.exp_()
    if smoothing:
        grad -= smoothing / scores.shape[1]
    grad[torch.arange(len(labels), device=labels.device), labels] -= 1 - smoothing
    grad *= factors[:, None]
    return grad


class SmoothedCrossEntropy(torch.autograd.Function):
    """The losses of tokens whose logits are there, with the plain NLL for free.

    log p is kept for the backward and overwritten by the gradient: a third of the memory traffic of
    `cross_entropy(label_smoothing=…)`. One backward alone, and no second derivative.
    """

    runs_no_backward = True

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        """Compute (M, V) logits, (M,) labels → (M,) smoothed losses, (M,) NLL."""
        scores = logits.log_softmax(1, dtype=torch.float32)
        smoothed, nll = find_losses(scores, labels, smoothing)
        ctx.save_for_backward(scores, labels)
        ctx.smoothing, ctx.type = smoothing, logits.dtype
        ctx.mark_non_differentiable(nll)
        return smoothed, nll

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Compute the gradient of the smoothed losses; the NLL is a report, not an objective."""
        scores, labels = ctx.saved_tensors
        return overwrite_by_gradient(scores, labels, ctx.smoothing, gradients[0]).to(ctx.type), None, None


smoothed_cross_entropy: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]] = SmoothedCrossEntropy.apply
"""The function: logits (M, V), labels (M,) and ε → (M,) smoothed losses with their graph, (M,) NLL."""
