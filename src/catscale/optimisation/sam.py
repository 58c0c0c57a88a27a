"""Sharpness-aware minimisation: the gradient is taken where the loss nearby is highest, to first order.

Legend: θ all trainable parameters, L = Σ w_n L_n the step's objective, g = ∇L(θ), ρ the radius, T all updates.

    e  = ρ g / (‖g‖ + 1e-12)          ‖·‖ over all trainable parameters
    g' = ∇L(θ + e)                     the same weights w_n, sub-batches and dropout masks
    θ  ← AdamW(θ, clip(g'))            θ is the one that was put aside, not θ + e − e, which rounds

Source: Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", 2021, Eq. 2 and 3, and
Algorithm 1.

Differences from the paper: it begins late (`catscale.optimisation.late`); the weights w_n are those that the balancing
method found at θ, also where it finds them from the gradients. Under several processes e follows the gradient of all of
them together, not each one's own ("m-sharpness"): the result does not depend on how many there are.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from torch import Tensor
from torch.optim import Optimizer

from catscale.optimisation.contract import Descent, Seen, parameters_of
from catscale.optimisation.gradient import gradients_of, norm_of
from catscale.optimisation.late import LateSettings
from catscale.optimisation.moved import SMALLEST, moved

Climb = tuple[Sequence[Tensor | None], float]
"""A step for each parameter, and the factor on all of them: e is their product."""


class SharpSettings(LateSettings):
    """The base of those that take the gradient at θ + e, and step from θ."""

    def climb(self, parameters: Sequence[Tensor]) -> Climb:
        """Return e, from the gradients g that are there.

        Raises:
            DivergedError: If their norm is not finite.
        """
        raise NotImplementedError

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
        with moved(parameters, *self.climb(parameters)):
            optimizer.zero_grad(set_to_none=True)
            descent.repeat()
        self.update(optimizer, step, descent.norm(parameters))
        return seen


class SAM(SharpSettings):
    """AdamW on the gradient at the worst point nearby, in the last part of the training.

    Cost: a step with the second descent takes twice the time and D more numbers for the parameters put aside; with
    `from: 0.85` a training takes 1.15 times as long.

    Attributes:
        rho: ρ, the distance to the worst point.
    """

    method: Literal["sam"] = "sam"
    rho: float = Field(default=0.05, ge=0, le=1e6)

    def climb(self, parameters: Sequence[Tensor]) -> Climb:
        """Return ρ g / ‖g‖.

        Raises:
            DivergedError: If ‖g‖ is not finite.
        """
        gradients = gradients_of(parameters)
        return gradients, self.rho / (norm_of(gradients) + SMALLEST)
