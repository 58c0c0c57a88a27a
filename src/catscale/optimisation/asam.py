"""Adaptive SAM: the worst point nearby, where "near" follows the size of each parameter.

Legend: θ all trainable parameters, L the step's objective, g = ∇L(θ), s a positive scale of each parameter, ρ the
radius; products and squares of vectors are taken number by number.

    s  = |θ| + η for matrices (and tensors of more axes), 1 for vectors: biases, and the gains of layer norms
    e  = ρ s² g / (‖s g‖ + 1e-12)
    g' = ∇L(θ + e);   θ ← AdamW(θ, clip(g'))      as in `catscale.optimisation.sam`

With η = 0 a rescaling of two layers that leaves the function as it is, θ₁ → c θ₁ and θ₂ → θ₂ / c, scales e in the same
way: the sharpness that is looked at does not depend on it.

Source: Kwon et al., "ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of Deep Neural Networks",
2021; and the authors' code, SamsungLabs/ASAM, `asam.py`.

Differences from the source: the code scales what has "weight" in its name, the gains of layer norms too; here these
have s = 1 with the biases. It begins late, and is shared by all processes, as SAM.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from torch import Tensor

from catscale.optimisation.gradient import gradients_of, norm_of
from catscale.optimisation.moved import SMALLEST
from catscale.optimisation.sam import Climb, SharpSettings


class ASAM(SharpSettings):
    """AdamW on the gradient at the worst point within a radius that follows the parameters' size.

    Cost: that of SAM, and D more numbers for s² g.

    Attributes:
        rho: ρ, about ten times SAM's.
        eta: η, added to |θ|.
    """

    method: Literal["asam"] = "asam"
    rho: float = Field(default=0.5, ge=0, le=1e6)
    eta: float = Field(default=0.01, ge=0, le=1e6)

    def climb(self, parameters: Sequence[Tensor]) -> Climb:
        """Return ρ s² g / ‖s g‖.

        Raises:
            DivergedError: If ‖s g‖ is not finite.
        """
        scales = [self._scale(parameter) for parameter in parameters]
        scaled = [
            None if gradient is None else gradient * scale
            for gradient, scale in zip(gradients_of(parameters), scales, strict=True)
        ]
        length = norm_of(scaled) + SMALLEST
        steps = [None if step is None else step * scale for step, scale in zip(scaled, scales, strict=True)]
        return steps, self.rho / length

    def _scale(self, parameter: Tensor) -> Tensor | float:
        return parameter.detach().abs() + self.eta if parameter.dim() > 1 else 1.0
