"""The metric in which an optimiser of Adam's kind steps.

Legend: v̂ second moments, corrected for their start at 0; v̄ their mean over all parameters; t updates.

    P = (v̂ + δ² v̄)^½        v̂ = v / (1 − β₂^t)

A step of Adam is along P⁻¹ g, so that ⟨g, P⁻¹ d⟩ tells what it does to the loss whose gradient is d. δ, which is ours,
bounds P⁻¹ where a second moment is next to nothing, as of pieces that training data hardly hold and dev data do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

DAMPING = 0.01
"""δ."""
TINY = torch.finfo(torch.float32).tiny


def make_scales(optimizer: Optimizer | None, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return P^(−½), a tensor for each parameter, for `catscale.balancing.engine.gramian`; none where P is 1.

    Args:
        optimizer: Over the parameters; without second moments, as before its first update, P is 1.
        parameters: P tensors. One that has no second moments while others have is taken to have their mean, v̄.
    """
    states = [] if optimizer is None else [optimizer.state.get(parameter, {}) for parameter in parameters]
    known = [place for place, state in enumerate(states) if "exp_avg_sq" in state]
    if optimizer is None or not known:
        return []
    decays = {id(p): group["betas"][1] for group in optimizer.param_groups for p in group["params"]}
    moments = {place: _correct(states[place], decays[id(parameters[place])]) for place in known}
    sums = torch.stack([moment.sum() for moment in moments.values()])
    mean = sums.sum() / sum(moment.numel() for moment in moments.values())
    each = [moments.get(place, mean.expand_as(parameter)) for place, parameter in enumerate(parameters)]
    return [(moment + DAMPING**2 * mean).clamp(min=TINY).pow(-0.25) for moment in each]


def _correct(state: Mapping[str, Any], decay: float) -> Tensor:
    """Return v̂ from what the optimiser keeps of a parameter, without waiting for the device that counts the updates."""
    updates = torch.as_tensor(state["step"], dtype=torch.float64)
    corrected: Tensor = state["exp_avg_sq"] / (1 - decay**updates)
    return corrected
