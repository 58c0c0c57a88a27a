"""The metric in which an optimiser of Adam's kind steps.

Legend: v̂ second moments, corrected for their start at 0; v̄ their mean over all parameters; t updates.

    P = (v̂ + δ² v̄)^½        v̂ = v / (1 − β₂^t)

A step of Adam is along P⁻¹ g, so that ⟨g, P⁻¹ d⟩ tells what it does to the loss whose gradient is d. δ, which is ours,
bounds P⁻¹ where a second moment is next to nothing, as of pieces that training data hardly hold and dev data do.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

DAMPING = 0.01
"""δ."""
TINY = torch.finfo(torch.float32).tiny


def make_scales(optimizer: Optimizer | None, parameters: Sequence[Tensor]) -> list[Tensor | None]:
    """Return P^(−½), a tensor for each parameter, None for 1.

    Args:
        optimizer: Over the parameters; without second moments, as before its first update, P is 1.
        parameters: P tensors.
    """
    states = [] if optimizer is None else [optimizer.state.get(parameter, {}) for parameter in parameters]
    if optimizer is None or not all("exp_avg_sq" in state for state in states):
        return [None] * len(parameters)
    decays = {id(p): group["betas"][1] for group in optimizer.param_groups for p in group["params"]}
    moments = [
        state["exp_avg_sq"] / (1 - decays[id(parameter)] ** float(state["step"]))
        for state, parameter in zip(states, parameters, strict=True)
    ]
    mean = torch.stack([moment.sum() for moment in moments]).sum() / sum(moment.numel() for moment in moments)
    return [(moment + DAMPING**2 * mean).clamp(min=TINY).pow(-0.25) for moment in moments]


def scale_gradient(gradient: Sequence[Tensor | None], scales: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Return P^(−½) g, whose products with each other are those of gradients in the metric P⁻¹.

    Args:
        gradient: P tensors, None where it is zero.
        scales: From `make_scales`.
    """
    return [g if g is None or s is None else g * s for g, s in zip(gradient, scales, strict=True)]
