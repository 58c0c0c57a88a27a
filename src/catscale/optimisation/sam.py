"""Sharpness-aware minimisation: the gradient is taken where the loss nearby is highest, to first order.

Legend: θ all trainable parameters, L = Σ w_n L_n the step's objective, g = ∇L(θ), ρ the radius, T all updates.

    e  = ρ g / (‖g‖ + 1e-12)          ‖·‖ over all trainable parameters
    g' = ∇L(θ + e)                     the same weights w_n, sub-batches and dropout masks
    θ  ← AdamW(θ, clip(g'))            θ is the one that was put aside, not θ + e − e, which rounds

Source: Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", 2021, Eq. 2 and 3, and
Algorithm 1. Late in the training alone: Zhou et al., "Sharpness-Aware Minimization Efficiently Selects Flatter Minima
Late in Training", 2025.

Differences from the paper: the weights w_n are those that the balancing method found at θ, also where it finds them
from the gradients. Under several processes e follows the gradient of all of them together, not each one's own
("m-sharpness"): the result does not depend on how many there are.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from catscale.errors import ConfigError
from catscale.optimisation.adamw import AdamSettings
from catscale.optimisation.contract import Descent, Seen, parameters_of
from catscale.optimisation.gradient import gradient_norm

SMALLEST = 1e-12
"""The number that keeps a gradient of 0 from being divided by its norm."""


class SAM(AdamSettings):
    """AdamW on the gradient at the worst point nearby, in the last part of the training.

    Cost: a step with the second descent takes twice the time and D more numbers for the parameters put aside; with
    `from: 0.85` a training takes 1.15 times as long.

    Attributes:
        rho: ρ, the distance to the worst point.
        from: Share of `total_steps` after which steps have the second descent; until then they are AdamW's, bit for
            bit. 0 for all steps, 1 for none.
    """

    method: Literal["sam"] = "sam"
    rho: float = Field(default=0.05, ge=0, le=1e6)
    start: float = Field(default=0.85, ge=0, le=1, alias="from")

    @model_serializer(mode="wrap")
    def _write(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write `from` under its name in a configuration, which is a word of Python's."""
        return {"from" if key == "start" else key: value for key, value in write(self).items()}

    @property
    def needs_length(self) -> bool:
        """Whether it depends on `total_steps`."""
        return self.start > 0 or super().needs_length

    def is_sharp(self, step: int) -> bool:
        """Return whether update number `step` has the second descent.

        Raises:
            ConfigError: If that depends on `total_steps`, and it is not known.
        """
        return self.start == 0 or step > round(self.start * self.planned_steps(), 6)

    def build(self, named: Mapping[str, Parameter]) -> Optimizer:
        """Make AdamW.

        Raises:
            ConfigError: If a parameter is in a format of 16 bits, whose steps ρ g / ‖g‖ would round away.
        """
        rough = [name for name, parameter in named.items() if torch.finfo(parameter.dtype).bits < 32]
        if rough:
            raise ConfigError(
                f"optimizer.method sam needs parameters of 32 bits or more, found {rough[0]} in "
                f"{named[rough[0]].dtype}; keep them in float32 and compute under autocast (training.precision)"
            )
        return super().build(named)

    def take(self, optimizer: Optimizer, descent: Descent[Seen], step: int) -> Seen:
        """Move the parameters: descend, climb, descend again, go back, step.

        Raises:
            DivergedError: On a loss or gradient that is not finite, in either descent; parameters and state are as they
                were.
        """
        if not self.is_sharp(step):
            return super().take(optimizer, descent, step)
        seen = descent()
        parameters = parameters_of(optimizer)
        before = climb(parameters, self.rho)
        try:
            optimizer.zero_grad(set_to_none=True)
            descent.repeat()
        finally:
            go_back(parameters, before)
        self.update(optimizer, step)
        return seen


@torch.no_grad()
def climb(parameters: Sequence[Tensor], rho: float) -> list[Tensor]:
    """Move parameters to θ + ρ g / ‖g‖ by the gradients that are there, in place.

    Returns:
        θ.

    Raises:
        DivergedError: If ‖g‖ is not finite; nothing has moved.
    """
    scale = rho / (gradient_norm(parameters) + SMALLEST)
    before = [parameter.detach().clone() for parameter in parameters]
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.add_(parameter.grad, alpha=scale)
    return before


@torch.no_grad()
def go_back(parameters: Sequence[Tensor], before: Sequence[Tensor]) -> None:
    """Move parameters to where they were, bit for bit."""
    for parameter, value in zip(parameters, before, strict=True):
        parameter.copy_(value)
