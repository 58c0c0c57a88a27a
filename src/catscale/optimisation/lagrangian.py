"""CATS complete: the parameters descend the whole Lagrangian of CATS, its curvature term too.

Legend: θ all trainable parameters, w the task weights of the step, L = Σ w_n L_n, c = ∇L(θ) the combined gradient, H
its derivative, λ_c the price of curvature, r the radius.

    J(θ)    = L(θ) + λ_c ‖c(θ)‖²
    ∇J      = c + 2 λ_c H c  ≈  c + (2 λ_c ‖c‖ / r) (∇L(θ + r c / ‖c‖) − c)
    θ       ← AdamW(θ, clip(∇J))                the same weights, sub-batches and dropout masks in both descents

Algorithm 1 of CATS keeps the first term of ∇J: weights see the curvature, parameters do not. With λ_c = 0 this is the
paper's step, with weights that are fixed SAM on the mixture (exactly, at λ_c = r / (2 ‖c‖)), and with both plain
training.

Source: ours, from Eq. 4 of Li and Gong, "Robust Optimization for Multilingual Translation with Imbalanced Data", 2021.
"""

from typing import Literal

from pydantic import Field
from torch.optim import Optimizer

from catscale.optimisation.contract import Descent, Seen, parameters_of
from catscale.optimisation.gradient import gradients_of, norm_of
from catscale.optimisation.late import LateSettings
from catscale.optimisation.moved import SMALLEST, moved
from catscale.settings import LARGE


class Lagrangian(LateSettings):
    """AdamW on the loss and the price of its curvature.

    Cost: a step with the second descent takes twice the time, D numbers for the parameters put aside and D for c. With
    the balancing method's own λ_c these are the steps in which it measures, one in `balancing.inner_steps`.

    Attributes:
        radius: r, the distance at which the gradient is compared.
        multiplier: λ_c, per squared norm of the combined gradient; None for that of the balancing method, in the steps
            in which it measures.
    """

    method: Literal["lagrangian"] = "lagrangian"
    radius: float = Field(default=0.05, gt=0, le=1e6)
    multiplier: float | None = Field(default=None, ge=0, le=LARGE)

    @property
    def needs_price(self) -> bool:
        """Whether the balancing method must have a price of curvature."""
        return self.multiplier is None

    def take(self, optimizer: Optimizer, descent: Descent[Seen], step: int) -> Seen:
        """Move the parameters: descend, climb by r, descend again, go back, step along ∇J.

        Raises:
            DivergedError: On a loss or gradient that is not finite, in either descent; parameters and state are as they
                were.
        """
        seen = descent()
        if self.is_sharp(step):
            price = descent.price_of_curvature() if self.multiplier is None else self.multiplier
            if price:
                self._add_curvature(optimizer, descent, price)
        self.update(optimizer, step)
        return seen

    def _add_curvature(self, optimizer: Optimizer, descent: Descent[Seen], price: float) -> None:
        """Leave ∇J in `.grad`, in the place of c."""
        parameters = parameters_of(optimizer)
        plain = gradients_of(parameters)
        length = norm_of(plain)
        with moved(parameters, plain, self.radius / (length + SMALLEST)):
            optimizer.zero_grad(set_to_none=True)
            descent.repeat()
        factor = 2 * price * length / self.radius
        for parameter, part in zip(parameters, plain, strict=True):
            if parameter.grad is not None and part is not None:
                parameter.grad.mul_(factor).add_(part, alpha=1 - factor)
