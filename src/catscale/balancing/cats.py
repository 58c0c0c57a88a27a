"""Curvature-Aware Task Scaling (CATS).

Source: Li and Gong, "Robust Optimization for Multilingual Translation with Imbalanced Data", NeurIPS 2021,
Eq. 3, Eq. 4 and Algorithm 1.

Legend: N tasks, K tasks in the step; L (K,) losses; G (K, K) Gram matrix of the task gradients; α (N,) weights;
λ_c, λ_s, λ_n multipliers of the curvature bound ε_c, of the simplex, of the floor ε_f of each α_n. The trace of
the empirical Fisher information, ‖Σ α_n g_n‖² = αᵀGα, stands in for the trace of the Hessian.

    J(α, λ) = Σ α_n L_n − λ_c (ε_c − αᵀGα) + λ_s (Σ α_n − 1)² − Σ λ_n (α_n − ε_f)

    ∂J/∂α   = L + 2 λ_c G α + 2 λ_s (Σα − 1)·1 − λ        α descends
    ∂J/∂λ_c = αᵀGα − ε_c                                   λ_c ascends, ≥ 0
    ∂J/∂λ_s = (Σα − 1)²                                    λ_s ascends, ≥ 0
    ∂J/∂λ_n = ε_f − α_n                                    λ_n ascends, ≥ 0

Sums run over the K tasks of the step; α_n and λ_n of an absent task do not change.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Request, Signals, State
from catscale.errors import ConfigError, DivergedError
from catscale.settings import Settings

STIFFEST = 1e9
"""Bound of the eigenvalues of the implicit step's matrix: above it the solution no longer depends on them, and
float64 would lose the identity in it."""
TINY = torch.finfo(torch.float64).tiny


@dataclass(frozen=True)
class CATSState(State):
    """Weights and multipliers, all float64.

    Attributes:
        alpha: (N,) task weights α, ≥ 0.
        floor_multipliers: (N,) λ_n, ≥ 0.
        curvature_multiplier: () λ_c, ≥ 0.
        simplex_multiplier: () λ_s, ≥ 0.
        curvature: () αᵀGα at the latest update, before it; not a number before the first.
        steps: Steps taken, whether or not α moved.
    """

    alpha: Tensor
    floor_multipliers: Tensor
    curvature_multiplier: Tensor
    simplex_multiplier: Tensor
    curvature: Tensor
    steps: int = 0


class CATS(Settings):
    """Task weights that descend on the curvature of the weighted loss.

    `formulation="paper"` is Algorithm 1 to the letter: explicit steps from the old values, α and λ kept ≥ 0 by
    projection, the parameters step along Σ α_n g_n. It is easily unstable: the loss term drives Σα to zero within
    tens of updates unless `alpha_lr` is far below `multiplier_lr` (0.001 and 0.1 survived, 0.01 and 0.01 did not);
    at α = 0 training stands still until λ_s has grown.

    `formulation="implicit"`, the default, follows the same Lagrangian by backward Euler steps within α ≥ ε_f,

        α' = argmin_{a ≥ ε_f}  J(a, λ) + ‖a − α‖² / (2 η_α),      J without Σ α_n L_n unless loss_term

    and the multipliers ascend at α'. Where no floor binds, α' solves

        (I + 2 η_α (λ_c G + λ_s 11ᵀ)) α' = α − η_α (ℓ L − 2 λ_s 1 − λ),      ℓ = 1 if loss_term else 0

    The matrix is positive definite, so that no learning rate makes α explode, and on a fixed G the direction of α
    tends to the min-norm point. α' keeps the floor by itself: λ_n stays 0. The parameters step along
    Σ α_n g_n / Σ α_n, so that a moving Σα is no hidden learning-rate schedule.

    Differences from the paper: none in "paper", where the bounds of curvature and floor, one ε there, are two
    settings here; in "implicit" the integrator, the normalisation, and the loss term left out unless asked for (it
    moves weight to the task with the lowest loss whatever the curvature).

    The default rates move α over hundreds of steps, so that it averages over the noise of single batches. They and
    `curvature_budget` are ours, the paper's Appendix B is not in our hands, and not settled by experiments yet.

    Cost: in one step of `inner_steps`, K gradients are held at once (K·D floats) and their Gram matrix is formed;
    all other steps cost what plain training costs.

    Attributes:
        formulation: "implicit" or "paper".
        inner_steps: m, parameter updates for each update of α and λ.
        alpha_lr: η_α.
        multiplier_lr: η_λ.
        curvature_budget: ε_c, the bound of αᵀGα, squared gradient norm (nats per token)² per unit of parameter².
        alpha_floor: ε_f, below 1/N.
        alpha_init: First value of every α_n; None for the paper's 1 in "paper", and for 1/N in "implicit": from
            outside the simplex, the N² times larger curvature would send λ_c up before α has moved.
        loss_term: Whether "implicit" keeps L in ∂J/∂α; "paper" always does.
        losses: What L_n is, see `Method`.
    """

    method: Literal["cats"] = "cats"
    formulation: Literal["implicit", "paper"] = "implicit"
    inner_steps: int = Field(default=10, ge=1)
    alpha_lr: float = Field(default=0.01, ge=0, allow_inf_nan=False)
    multiplier_lr: float = Field(default=0.01, ge=0, allow_inf_nan=False)
    curvature_budget: float = Field(default=1e-3, ge=0, allow_inf_nan=False)
    alpha_floor: float = Field(default=1e-3, ge=0, lt=1, allow_inf_nan=False)
    alpha_init: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    loss_term: bool = False
    losses: Literal["tasks", "tokens"] = "tasks"

    @property
    def name(self) -> str:
        """The method's name in configurations and reports."""
        return "cats"

    def init(self, n_tasks: int) -> CATSState:
        """Every α_n = alpha_init, λ = 0.

        Raises:
            ConfigError: If the floor leaves no room on the simplex.
        """
        if n_tasks > 1 and self.alpha_floor * n_tasks >= 1:
            raise ConfigError(
                f"balancing.alpha_floor must be below 1/{n_tasks} for {n_tasks} tasks, found {self.alpha_floor}; "
                f"lower it, to {0.1 / n_tasks:.1g} say"
            )
        zero = torch.zeros((), dtype=torch.float64)
        first = 1.0 if self.formulation == "paper" else 1.0 / n_tasks
        alpha = torch.full((n_tasks,), first if self.alpha_init is None else self.alpha_init, dtype=torch.float64)
        return CATSState(alpha, torch.zeros_like(alpha), zero, zero, torch.full_like(zero, torch.nan))

    def request(self, state: CATSState) -> Request:
        """The Gram matrix once in `inner_steps` steps, in the last of them."""
        return Request("gramian" if (state.steps + 1) % self.inner_steps == 0 else "nothing")

    def weights(self, state: CATSState, task_ids: Tensor) -> Tensor:
        """(K,) α ("paper") or α / Σα over the present tasks ("implicit"; equal weights where all of them are 0)."""
        alpha = state.alpha[task_ids]
        if self.formulation == "paper":
            return alpha
        total = alpha.sum()
        return alpha / total if total > 0 else torch.full_like(alpha, 1 / len(alpha))

    def step(self, state: CATSState, signals: Signals) -> tuple[Tensor, CATSState]:
        """One of the m inner steps; the last of them moves α and λ, for the steps that follow.

        Raises:
            DivergedError: If the losses or gradients are not finite, or α and λ no longer are.
        """
        weights = self.weights(state, signals.task_ids)
        following = replace(state, steps=state.steps + 1)
        if signals.gramian is None or self.request(state).kind == "nothing":
            return weights, following
        losses, gramian = signals.losses.double().cpu(), signals.gramian.double().cpu()
        if not (losses.isfinite().all() and gramian.isfinite().all()):
            raise DivergedError(f"CATS needs finite losses and gradients, found losses {losses.tolist()}")
        update = self._paper_update if self.formulation == "paper" else self._implicit_update
        following = update(following, signals.task_ids, losses, gramian)
        if not (following.alpha.sum() + following.curvature_multiplier + following.simplex_multiplier).isfinite():
            raise DivergedError(
                f"task weights and multipliers must be finite, found {following.alpha.tolist()} at step "
                f"{following.steps}; lower balancing.alpha_lr ({self.alpha_lr}) and balancing.multiplier_lr "
                f"({self.multiplier_lr}), or use balancing.formulation: implicit"
            )
        return weights, following

    def _paper_update(self, state: CATSState, tasks: Tensor, losses: Tensor, gramian: Tensor) -> CATSState:
        """Algorithm 1, lines 11 to 13: all gradients at the old α and λ."""
        alpha, floor = state.alpha[tasks], state.floor_multipliers[tasks]
        curvature, surplus = alpha @ gramian @ alpha, alpha.sum() - 1
        gradient = (
            losses + 2 * state.curvature_multiplier * (gramian @ alpha) + 2 * state.simplex_multiplier * surplus - floor
        )
        return self._ascend(state, tasks, alpha, (alpha - self.alpha_lr * gradient).clamp(min=0), curvature, curvature)

    def _implicit_update(self, state: CATSState, tasks: Tensor, losses: Tensor, gramian: Tensor) -> CATSState:
        """A backward Euler step of α, then λ at the new α."""
        alpha, floor = state.alpha[tasks], state.floor_multipliers[tasks]
        stiff = STIFFEST / (2 * self.alpha_lr) if self.alpha_lr > 0 else 0.0
        by_curvature = state.curvature_multiplier.clamp(max=stiff / gramian.trace().clamp(min=TINY))
        by_simplex = state.simplex_multiplier.clamp(max=stiff / len(alpha))
        matrix = torch.eye(len(alpha), dtype=alpha.dtype) + 2 * self.alpha_lr * (by_curvature * gramian + by_simplex)
        constant = (losses if self.loss_term else 0) - 2 * by_simplex - floor
        moved = _minimise_above(matrix, alpha - self.alpha_lr * constant, self.alpha_floor)
        return self._ascend(state, tasks, moved, moved, alpha @ gramian @ alpha, moved @ gramian @ moved)

    def _ascend(
        self, state: CATSState, tasks: Tensor, at: Tensor, alpha: Tensor, curvature: Tensor, bounded: Tensor
    ) -> CATSState:
        """Store the new α and let the multipliers ascend, with their gradients taken at the weights `at`.

        Args:
            state: Before the update.
            tasks: (K,) ids of the present tasks.
            at: (K,) weights at which ∂J/∂λ is taken.
            alpha: (K,) new weights.
            curvature: () αᵀGα before the update, to be reported.
            bounded: () αᵀGα at `at`, to be bounded.
        """
        rate = self.multiplier_lr
        floor = state.floor_multipliers[tasks] + rate * (self.alpha_floor - at)
        return replace(
            state,
            alpha=state.alpha.index_copy(0, tasks, alpha),
            floor_multipliers=state.floor_multipliers.index_copy(0, tasks, floor.clamp(min=0)),
            curvature_multiplier=(state.curvature_multiplier + rate * (bounded - self.curvature_budget)).clamp(min=0),
            simplex_multiplier=(state.simplex_multiplier + rate * (at.sum() - 1) ** 2).clamp(min=0),
            curvature=curvature,
        )

    def describe(self, state: CATSState) -> dict[str, Any]:
        """Multipliers and curvature."""
        return {
            "multipliers": {
                "curvature": state.curvature_multiplier.item(),
                "simplex": state.simplex_multiplier.item(),
                "floor": state.floor_multipliers.tolist(),
            },
            "curvature": state.curvature.item(),
        }


def _minimise_above(matrix: Tensor, right: Tensor, bound: float) -> Tensor:
    """The minimum of ½ xᵀMx − bᵀx over x ≥ bound, by a primal-dual active set.

    At the minimum, M x = b where x is free, and M x ≥ b where the bound holds it.

    Args:
        matrix: (K, K) M, symmetric positive definite.
        right: (K,) b.
        bound: Lower bound of every x_n.

    Returns:
        (K,) x.
    """
    held = torch.zeros_like(right, dtype=torch.bool)
    for _ in range(2 * len(right) + 1):
        free = ~held
        x = torch.full_like(right, bound)
        x[free] = torch.linalg.solve(matrix[free][:, free], right[free] - matrix[free][:, held].sum(1) * bound)
        wanted = (free & (x < bound)) | (held & (matrix @ x >= right))
        if wanted.equal(held):
            return x
        held = wanted
    return x.clamp(min=bound)
