"""LookSAM: SAM once in k steps; in between, the part of its gradient that changes slowly is used again.

Legend: θ all trainable parameters, L the step's objective, g = ∇L(θ), g' SAM's gradient (`catscale.optimisation.sam`).

    every k-th step     g_v = g' − (⟨g', g⟩ / ‖g‖²) g          the part of g' across g; the step is along g'
    in between          g + α (‖g‖ / ‖g_v‖) g_v                the g_v of the latest such step

Source: Liu et al., "Towards Efficient and Scalable Sharpness-Aware Minimization", 2022, Algorithm 1.

Differences from the paper: the first step after `from` is one of SAM's. g_v is kept in the state of AdamW, under
`across`, so that a checkpoint has it.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.optim import Optimizer

from catscale.optimisation.contract import Descent, Seen, parameters_of
from catscale.optimisation.gradient import gradients_of, inner_product, norm_of
from catscale.optimisation.late import LateSettings
from catscale.optimisation.moved import SMALLEST, moved
from catscale.settings import LARGE

SLOT = "across"
"""The name of g_v in the optimiser's state of a parameter."""


class LookSAM(LateSettings):
    """AdamW on SAM's gradient, whose second descent is taken once in k steps.

    Cost: after `from` 1 + 1/k times the time of plain training, and D more numbers of state; in the steps with a second
    descent D more for the parameters put aside, and D for g.

    Attributes:
        rho: ρ, the distance to the worst point.
        every: k.
        alpha: α, the length of what is used again, as a part of ‖g‖.
    """

    method: Literal["looksam"] = "looksam"
    rho: float = Field(default=0.05, ge=0, le=1e6)
    every: int = Field(default=5, ge=1, le=1_000_000)
    alpha: float = Field(default=0.7, ge=0, le=LARGE)

    def is_measured(self, step: int) -> bool:
        """Return whether update number `step`, one after `from`, has the second descent."""
        return (step - self.plain_steps() - 1) % self.every == 0

    def take(self, optimizer: Optimizer, descent: Descent[Seen], step: int) -> Seen:
        """Move the parameters: by SAM's gradient, or with the part of it that was kept.

        Raises:
            DivergedError: On a loss or gradient that is not finite, in either descent; parameters and state are as they
                were.
        """
        if not self.is_sharp(step):
            return super().take(optimizer, descent, step)
        parameters = parameters_of(optimizer)
        seen = descent()
        if self.is_measured(step):
            across = self._descend_again(optimizer, descent, parameters)
            self.update(optimizer, step)
            _keep(optimizer, parameters, across)
        else:
            self._use_again(optimizer, parameters)
            self.update(optimizer, step)
            _keep(optimizer, parameters, [_kept(optimizer, parameter) for parameter in parameters])
        return seen

    def _descend_again(
        self, optimizer: Optimizer, descent: Descent[Seen], parameters: Sequence[Tensor]
    ) -> list[Tensor | None]:
        """Leave g' in `.grad`; return g_v."""
        plain = gradients_of(parameters)
        length = norm_of(plain)
        with moved(parameters, plain, self.rho / (length + SMALLEST)):
            optimizer.zero_grad(set_to_none=True)
            descent.repeat()
        sharp = gradients_of(parameters)
        share = inner_product(sharp, plain) / length**2 if length else 0.0
        return [
            found if one is None or found is None else found - share * one
            for found, one in zip(sharp, plain, strict=True)
        ]

    def _use_again(self, optimizer: Optimizer, parameters: Sequence[Tensor]) -> None:
        """Add α (‖g‖ / ‖g_v‖) g_v to g, in place."""
        across = [_kept(optimizer, parameter) for parameter in parameters]
        length = norm_of(across)
        scale = self.alpha * norm_of(gradients_of(parameters)) / length if length else 0.0
        for parameter, part in zip(parameters, across, strict=True):
            if parameter.grad is not None and part is not None and scale:
                parameter.grad.add_(part, alpha=scale)


def _kept(optimizer: Optimizer, parameter: Tensor) -> Tensor | None:
    """Return g_v of a parameter; None where nothing is kept."""
    found: Tensor | None = optimizer.state[parameter].get(SLOT) if parameter in optimizer.state else None
    return found


def _keep(optimizer: Optimizer, parameters: Sequence[Tensor], across: Sequence[Tensor | None]) -> None:
    """Put g_v into the state of every parameter that has one, after the step that made it; 0 where it had no part."""
    for parameter, part in zip(parameters, across, strict=True):
        if parameter in optimizer.state:
            optimizer.state[parameter][SLOT] = torch.zeros_like(parameter) if part is None else part.detach()
