"""The trace of the empirical Fisher information of one task.

Legend: B sentences measured, P parameter tensors, T target tokens of a batch of N sentences.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catscale.landscape.hessian import LossFunction


def sentence_squares(losses: Sequence[LossFunction], parameters: Sequence[Tensor]) -> NDArray[np.float64]:
    """Return ‖∇ nll_b‖², the squared gradient norm of each sentence's summed NLL, within each parameter tensor.

    Args:
        losses: A function for each of B sentences that returns its NLL, in nats, summed over its tokens.
        parameters: P tensors.

    Returns:
        (B, P) float64, to be summed over the columns of a group.
    """
    table = np.zeros((len(losses), len(parameters)))
    for number, loss in enumerate(losses):
        with torch.enable_grad():
            gradients = torch.autograd.grad(loss(), parameters, allow_unused=True)
        table[number] = [0.0 if g is None else g.double().square().sum().item() for g in gradients]
    return table


def scale_to_tokens(squares: NDArray[np.float64], tokens_per_sentence: float) -> NDArray[np.float64]:
    """Return estimates of tr F, one per sentence, in the unit of the Hessian of the mean NLL per token.

        L = 1/T Σ_b nll_b ,    F = 1/T Σ_b ∇nll_b ∇nll_bᵀ ,    tr F = 1/T Σ_b ‖∇nll_b‖² = N/T · mean_b ‖∇nll_b‖²

    The sentence is the independent observation: at the model's own distribution E[∇nll_b ∇nll_bᵀ] = E[∇² nll_b], so
    that F with the factor 1/T estimates the Hessian of L. (1/N in place of 1/T would be the Hessian of the NLL per
    sentence.) The mean over B of the N sentences stands for that over all.

    Args:
        squares: (B,) ‖∇nll_b‖².
        tokens_per_sentence: T / N of the batch.

    Returns:
        (B,) whose mean is tr F, and whose standard error is that of sampling sentences.
    """
    return squares / tokens_per_sentence
