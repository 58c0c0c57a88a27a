"""Algorithm 1 of the paper, slow and literal, in float64: Eq. 4 as a scalar, its gradients by autograd.

Written from `method.md` and the paper alone. Curvature comes from the gradient vectors themselves, never from a
Gram matrix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass
class Rates:
    m: int
    eta_alpha: float
    eta_lambda: float
    eps_c: float
    eps_f: float


@dataclass
class Literal:
    """α and λ by task name, as plain numbers, and the count of inner steps."""

    tasks: Sequence[str]
    rates: Rates
    alpha: dict[str, float] = field(default_factory=dict)
    lam_n: dict[str, float] = field(default_factory=dict)
    lam_c: float = 0.0
    lam_s: float = 0.0
    inner: int = 0

    def __post_init__(self) -> None:
        self.alpha = dict.fromkeys(self.tasks, 1.0)
        self.lam_n = dict.fromkeys(self.tasks, 0.0)

    def combined(self, gradients: Mapping[str, Tensor]) -> Tensor:
        """Σ α_n g_n, along which θ steps."""
        return sum((self.alpha[n] * g for n, g in gradients.items()), start=torch.zeros(()))

    def end_of_step(self, losses: Mapping[str, float], gradients: Mapping[str, Tensor]) -> None:
        """Lines 11 to 13, once in m inner steps, with the last gradients."""
        self.inner += 1
        if self.inner % self.rates.m:
            return
        present = list(losses)
        leaf: dict[str, Any] = {"dtype": torch.float64, "requires_grad": True}
        alpha = torch.tensor([self.alpha[n] for n in present], **leaf)
        lam_n = torch.tensor([self.lam_n[n] for n in present], **leaf)
        lam_c, lam_s = torch.tensor(self.lam_c, **leaf), torch.tensor(self.lam_s, **leaf)
        value = lagrangian(
            alpha,
            lam_c,
            lam_s,
            lam_n,
            torch.tensor([losses[n] for n in present], dtype=torch.float64),
            torch.stack([gradients[n].double() for n in present]),
            self.rates,
        )
        by_alpha, by_c, by_s, by_n = torch.autograd.grad(value, [alpha, lam_c, lam_s, lam_n])
        for row, name in enumerate(present):
            self.alpha[name] = max(0.0, self.alpha[name] - self.rates.eta_alpha * by_alpha[row].item())
            self.lam_n[name] = max(0.0, self.lam_n[name] + self.rates.eta_lambda * by_n[row].item())
        self.lam_c = max(0.0, self.lam_c + self.rates.eta_lambda * by_c.item())
        self.lam_s = max(0.0, self.lam_s + self.rates.eta_lambda * by_s.item())


def lagrangian(
    alpha: Tensor, lam_c: Tensor, lam_s: Tensor, lam_n: Tensor, losses: Tensor, rows: Tensor, rates: Rates
) -> Tensor:
    """Eq. 4: J(α, λ) for losses (K,) and gradients (K, D)."""
    curvature = (alpha[:, None] * rows).sum(0).square().sum()
    return (
        (alpha * losses).sum()
        - lam_c * (rates.eps_c - curvature)
        + lam_s * (alpha.sum() - 1) ** 2
        - (lam_n * (alpha - rates.eps_f)).sum()
    )
