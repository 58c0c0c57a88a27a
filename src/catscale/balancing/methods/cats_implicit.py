"""The stable formulation of CATS: its statistics, its step of α, and a bound of the curvature that can be reached.

Legend: K tasks of the step, a (K,) their weights, which sum to 1, f the floor of a, G (K, K) Gram matrix of the
gradients, s = G a (K,) products with the combined gradient, κ = aᵀGa = aᵀs the curvature, λ its multiplier, η the
rate of α, L (K,) losses, ℓ 1 or 0.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from catscale.balancing.methods.simplex import minimise_on_simplex

STIFFEST = 1e9
"""Bound of the eigenvalues of the step's matrix (of the forces, where it is diagonal): above it the solution no longer
depends on them, and float64 would lose the identity in it."""
LIGHTEST = 1e-12
"""Weights below it are taken for it where they are divided by, so that a weight of 0 may grow again."""
TINY = torch.finfo(torch.float64).tiny


@dataclass(frozen=True)
class Curvature:
    """The statistics of G that are known in one update.

    Attributes:
        gramian: (K, K) G; None where only the products are known.
        products: (K,) s at the weights before the update.
    """

    gramian: Tensor | None
    products: Tensor

    def scaled(self, factor: Tensor) -> "Curvature":
        """Return the statistics of gradients whose products are `factor` times as large."""
        return Curvature(None if self.gramian is None else self.gramian * factor, self.products * factor)

    def normalised(self) -> "Curvature":
        """Return the statistics divided by the mean of the ‖g_n‖² or, where those are unknown, by K times the mean of
        |s_n|.

        Both are 1 for gradients of length 1 that are orthogonal, the usual case of small batches.
        """
        unit = self.products.abs().sum() if self.gramian is None else self.gramian.diagonal().mean()
        return self.scaled(1 / unit) if unit > 0 else self

    def averaged(
        self, statistics: Tensor, tasks: Tensor, weights: Tensor, smoothing: float
    ) -> tuple["Curvature", Tensor]:
        """Return the average with the statistics of earlier updates, and what is kept for later ones.

        Args:
            statistics: (N, N) or (N,) over all N tasks, as kept; NaN where nothing was seen yet.
            tasks: (K,) ids.
            weights: (K,) a, at which the products are taken.
            smoothing: β, the share of what was kept.
        """
        block = (tasks[:, None], tasks[None, :]) if self.gramian is not None else (tasks,)
        latest = self.products if self.gramian is None else self.gramian
        old = statistics[block]
        mean = torch.where(old.isnan(), latest, smoothing * old + (1 - smoothing) * latest)
        kept = statistics.index_put(block, mean)
        return (Curvature(None, mean) if self.gramian is None else Curvature(mean, mean @ weights)), kept

    def at(self, weights: Tensor) -> Tensor:
        """Return the (K,) s at other weights; those of the old ones where G is unknown."""
        return self.products if self.gramian is None else self.gramian @ weights


def nearest_semidefinite(matrix: Tensor) -> Tensor:
    """Return the nearest positive semi-definite matrix in the Frobenius norm: negative eigenvalues become 0.

    Source: Higham, "Computing a nearest symmetric positive semidefinite matrix", 1988, Theorem 2.1.
    """
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    nearest: Tensor = (vectors * values.clamp(min=0)) @ vectors.T
    return nearest


def step_weights(
    before: Tensor, curvature: Curvature, multiplier: Tensor, rate: float, losses: Tensor | None, floor: float
) -> Tensor:
    """Take a backward Euler step of a on the simplex with a floor.

        a' = argmin_{a ≥ f, Σa = 1}  ℓ L·a + λ aᵀGa + ‖a − a₀‖² / (2 η)

    Where only s is known, λ aᵀGa is replaced by its tangent at a₀ and a quadratic,

        λ (2 s·(a − a₀) + Σ_n m_n (a_n − a₀_n)²),      m_n = max(|s_n|, κ) / a₀_n

    an upper bound of it (less its value at a₀) for every G without negative entries (Lee and Seung, 2001, Lemma 2),
    whose minimum moves no weight by more than its own size before the projection.

    Args:
        before: (K,) a₀.
        curvature: The statistics of the gradients.
        multiplier: () λ.
        rate: η.
        losses: (K,) L, None to leave the term out.
        floor: f, at most 1/K.

    Returns:
        (K,) a'.
    """
    if curvature.gramian is None:
        kappa = (before @ curvature.products).abs()
        sizes = curvature.products.abs().maximum(kappa)
        diagonal = sizes / before.clamp(min=LIGHTEST)
        bend, tangent, most = torch.diag(diagonal), curvature.products - diagonal * before, sizes.sum()
    else:
        bend, tangent, most = curvature.gramian, torch.zeros_like(before), curvature.gramian.trace()
    pull = 2 * rate * multiplier.clamp(max=STIFFEST / (2 * max(rate, TINY)) / most.clamp(min=TINY))
    right = before - pull * tangent
    if losses is not None:
        right = right - rate * losses
    matrix = torch.eye(len(before), dtype=before.dtype) + pull * bend
    return minimise_on_simplex(matrix, right, floor, before)


def least_curvature(products: Tensor, weights: Tensor, floor: float) -> Tensor:
    """Return () a lower bound of κ over all weights ≥ f that sum to 1, equal to it at the minimum.

    For every such x the combined gradients c(x) and c = c(a) have ⟨c(x), c⟩ = Σ x_n s_n ≥ f Σ s + (1 − K f) min s =: t,
    so that ‖c(x)‖² ≥ t² / ‖c‖² where t > 0.

    Args:
        products: (K,) s at a.
        weights: (K,) a.
        floor: f.
    """
    least = floor * products.sum() + (1 - floor * len(products)) * products.min()
    kappa = weights @ products
    return (least.clamp(min=0).square() / kappa.clamp(min=TINY)).minimum(kappa.clamp(min=0))
