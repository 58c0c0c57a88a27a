"""The two-task toy of CAGrad, Nash-MTL and FAMO, and its five starts.

Source: Liu et al., "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS 2021, its toy optimisation
problem, in the form of the repositories AvivNavon/nash-mtl and Cranial-XIX/FAMO, whose first loss has a factor of 0.1.

For x_2 > 0 both losses are narrow logarithmic valleys that conflict, for x_2 < 0 parabolas of x_1 around ±7:

    v_1 = log max(|½(−x_1 − 7) − tanh(−x_2)|, 5e-6) + 6,    q_1 = ((x_1 − 7)² + 0.1 (x_2 + 8)²) / 10 − 20
    v_2 = log max(|½(−x_1 + 3) + tanh(−x_2) + 2|, 5e-6) + 6,  q_2 = ((x_1 + 7)² + 0.1 (x_2 + 8)²) / 10 − 20
    L_n = max(tanh(½ x_2), 0) v_n + max(tanh(−½ x_2), 0) q_n,   L_1 times `scale`
"""

import torch
from torch import Tensor

STARTS = ((-8.5, 7.5), (0.0, 0.0), (9.0, 9.0), (-7.5, -0.5), (9.0, -1.0))
LEAST = 5e-6
SHIFT = 25.0
"""Added to both losses, times their scale: methods that divide by losses need positive ones."""


def toy_losses(points: Tensor, scale: float = 0.1, shift: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return both losses, (S,) each, at S points.

    Args:
        points: (S, 2) x.
        scale: Factor of the first loss.
        shift: Added to both before the factor; it changes no gradient.
    """
    one, two = points.unbind(-1)
    upper, lower = torch.tanh(0.5 * two).clamp(min=0), torch.tanh(-0.5 * two).clamp(min=0)
    valleys = (
        (0.5 * (-one - 7) - torch.tanh(-two)).abs().clamp(min=LEAST).log() + 6,
        (0.5 * (-one + 3) + torch.tanh(-two) + 2).abs().clamp(min=LEAST).log() + 6,
    )
    bowls = tuple(((one - centre).square() + 0.1 * (two + 8).square()) / 10 - 20 for centre in (7.0, -7.0))
    first, second = (upper * valley + lower * bowl for valley, bowl in zip(valleys, bowls, strict=True))
    return scale * (first + shift), second + shift


def toy_gradients(points: Tensor, scale: float) -> Tensor:
    """Return (S, 2, 2): at each of S points, the gradient of each loss."""
    leaves = points.detach().requires_grad_()
    losses = toy_losses(leaves, scale)
    rows = [torch.autograd.grad(loss.sum(), leaves, retain_graph=True)[0] for loss in losses]
    return torch.stack(rows, 1)
