"""The descent of a quadratic in float64, which notes its gradients, and AdamW without its own doing."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Never

import torch
from torch import Tensor
from torch.nn import Parameter

HESSIAN = torch.tensor([1.0, 9.0], dtype=torch.float64)


class Quadratic:
    """L = ½ θᵀHθ with H = diag(1, 9) at (1, 1)."""

    def __init__(self) -> None:
        self.named = {"theta": Parameter(torch.tensor([1.0, 1.0], dtype=torch.float64))}
        self.gradients: list[Tensor] = []

    @property
    def theta(self) -> Tensor:
        """The point, without its graph."""
        return self.named["theta"].detach()

    def __call__(self) -> float:
        theta = self.named["theta"]
        loss = (theta * theta * HESSIAN).sum() / 2
        (gradient,) = torch.autograd.grad(loss, [theta])
        theta.grad = gradient if theta.grad is None else theta.grad + gradient  # as backward does
        self.gradients.append(gradient.clone())
        return loss.item()

    def repeat(self) -> None:
        self()

    def apart(self) -> Never:
        raise AssertionError("the whole gradient is enough")

    def norm(self, parameters: Sequence[Tensor]) -> Tensor | None:
        return None

    def price_of_curvature(self) -> float | None:
        return None


class Transcript:
    """AdamW from (1, 1) on gradients that are given, clipped to a norm of 2, with a warm-up of four steps."""

    SETTINGS: ClassVar[Mapping[str, float]] = {
        "learning_rate": 0.05,
        "warmup_steps": 4,
        "clip_norm": 2.0,
        "weight_decay": 0.1,
    }

    def __init__(self) -> None:
        self.other = Parameter(torch.ones(2, dtype=torch.float64))
        self.adam = torch.optim.AdamW([self.other], lr=1.0, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.1)

    @property
    def theta(self) -> Tensor:
        """The point."""
        return self.other.detach().clone()

    def move(self, gradient: Tensor, step: int) -> None:
        """Take update number `step`."""
        self.other.grad = gradient * min(1.0, 2.0 / gradient.norm().item())
        self.adam.param_groups[0]["lr"] = 0.05 * min(step / 4, (4 / step) ** 0.5)
        self.adam.step()
