"""Curvature-Aware Task Scaling (CATS).

Source: Li and Gong, "Robust Optimization for Multilingual Translation with Imbalanced Data", NeurIPS 2021,
Eq. 3, Eq. 4 and Algorithm 1.

Legend: N tasks, K tasks in the step; L (K,) losses; G (K, K) Gram matrix of the task gradients; α (N,) weights;
λ_c, λ_s, λ_n multipliers: of the curvature bound ε_c, of the simplex, of the floor ε_f of each α_n. The trace of
the empirical Fisher information, ‖Σ α_n g_n‖² = αᵀGα, stands in for the trace of the Hessian.

    J(α, λ) = Σ α_n L_n − λ_c (ε_c − αᵀGα) + λ_s (Σ α_n − 1)² − Σ λ_n (α_n − ε_f)

    ∂J/∂α   = L + 2 λ_c G α + 2 λ_s (Σα − 1)·1 − λ        α descends
    ∂J/∂λ_c = αᵀGα − ε_c                                   λ_c ascends, ≥ 0
    ∂J/∂λ_s = (Σα − 1)²                                    λ_s ascends, ≥ 0
    ∂J/∂λ_n = ε_f − α_n                                    λ_n ascends, ≥ 0

Sums run over the K tasks of the step; α_n and λ_n of an absent task do not change. All of it needs G only through
the K products G α.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Request, Signals
from catscale.balancing.methods.cats_implicit import Curvature, least_curvature, nearest_semidefinite, step_weights
from catscale.balancing.methods.cats_state import CATSState
from catscale.balancing.methods.statistics_settings import StatisticsSettings
from catscale.errors import ConfigError, DivergedError
from catscale.settings import LARGE, STEPS

Rate = Annotated[float, Field(ge=0, le=LARGE, allow_inf_nan=False)]


class CATS(StatisticsSettings):
    """Task weights that descend on the curvature of the weighted loss.

    `formulation="paper"` is Algorithm 1 to the letter: explicit steps from the old values, α and λ kept ≥ 0 by
    projection, the parameters step along Σ α_n g_n. Warning: it is easily unstable. The loss term drives Σα to zero
    within tens of updates unless `alpha_lr` is far below `multiplier_lr` (0.001 and 0.1 survived, 0.01 and 0.01 did
    not), and λ_c rises for ever where ε_c cannot be reached. It stops with an error when Σα reaches 0.

    `formulation="implicit"`, the default, pursues the same objective, the least curvature on the simplex, by
    backward Euler steps that cannot leave it, whatever the rates (`catscale.balancing.methods.cats_implicit`). With
    a = α / Σα over the present tasks and the floor f = ε_f / Σα of a,

        a' = argmin_{a ≥ f, Σa = 1}  ℓ L·a + λ_c aᵀGa + ‖a − a₀‖² / (2 η_α),      ℓ = 1 if loss_term else 0
        λ_c' = max(0, λ_c + η_λ (κ − max(ε_c, (1 + budget_slack) κ_min)))

    α sums to 1 over all N tasks; those present share among themselves what they had together. The simplex and the
    floors hold exactly, so that λ_s and λ_n stay 0. κ_min is a lower bound of the curvature that becomes equal to it
    at its minimum: a bound ε_c out of reach, which would send λ_c up for ever, is replaced by one within it.

    Differences from the paper: none in "paper", where the bounds of curvature and floor, one ε there, are two
    settings. In "implicit" the integrator, the exact constraints, the bound within reach, λ_c from `multiplier_init`
    instead of 0, G divided by the mean squared gradient norm (so that neither the loss's scale nor the model's size
    changes what rates mean), and the loss term, which moves weight to the task with the lowest loss whatever the
    curvature, left out; each is a setting.

    The defaults are ours, the paper's Appendix B is not in our hands; `docs/results.md` has the experiments.

    Cost: in one step of `inner_steps`, K gradients are held at once (K·D floats) and multiplied, K²·D products
    ("gramian") or K·D ("products"); all other steps cost what plain training costs. With "products" and
    `TaskBalancer(low_memory=True)` no gradient is held, and that one step takes twice the time.

    Attributes:
        formulation: "implicit" or "paper".
        inner_steps: m, parameter updates for each update of α and λ.
        alpha_lr: η_α.
        multiplier_lr: η_λ.
        curvature_budget: ε_c, the bound of αᵀGα: (nats per token)² per unit of parameter², or, where G is
            normalised, a share of the mean ‖g_n‖².
        alpha_floor: ε_f, below 1/N.
        alpha_init: First value of every α_n in "paper", None for its 1; "implicit" begins at 1/N whatever is given.
        start_step: Steps before which α and λ rest.
        multiplier_init: First value of λ_c; None for the paper's 0 in "paper", and 1 in "implicit".
        loss_term: Whether "implicit" keeps L in ∂J/∂α; "paper" always does.
        statistics: "gramian" uses all of G in the α-step; "products" only G α ("paper" never needs more), by a step
            that is as stable and a little shorter.
        normalise: Whether "implicit" divides G by the mean of its diagonal.
        simplex: The direction of the parameters' step in "implicit": "present", Σ a_n g_n, whose weights sum to 1 in
            every step; "all", (N/K) Σ α_n g_n, in which a step of heavy tasks weighs more. Both K times with "tokens".
        budget_slack: The distance of the bound above the least curvature; None for ε_c itself, reachable or not.
        smoothing: β in [0, 1): statistics are averaged over updates, β old + (1 − β) new; "implicit" only.
        unbiased: Whether the mini-batch's noise is taken out of the ‖g_n‖², see `Request.halves`; "implicit" only.
        metric: "euclidean", or "adam" for G_ij = ⟨g_i, P⁻¹ g_j⟩, see `Request`; "implicit" only.
        losses: The meaning of L_n, see `Method`. With "tokens" the weights of a step are K times as large, K α_n / Σα,
            so that α is a factor on the sampled mixture, 1 at first. Its simplex and floors are then those of the
            factors: a task's loss counts with its share of the step's tokens, and α leans to tasks that have few.
    """

    method: Literal["cats"] = "cats"
    reads_losses: ClassVar[bool] = False
    formulation: Literal["implicit", "paper"] = "implicit"
    inner_steps: int = Field(default=10, ge=1, le=1_000_000)
    alpha_lr: Rate = 0.01
    multiplier_lr: Rate = 0.01
    curvature_budget: Rate = 1e-3
    alpha_floor: float = Field(default=1e-3, ge=0, lt=1, allow_inf_nan=False)
    alpha_init: Annotated[float, Field(gt=0, le=LARGE, allow_inf_nan=False)] | None = None
    start_step: int = Field(default=0, ge=0, le=STEPS)
    multiplier_init: Rate | None = None
    loss_term: bool = False
    statistics: Literal["gramian", "products"] = "gramian"
    normalise: bool = True
    simplex: Literal["present", "all"] = "present"
    budget_slack: Rate | None = 0.1
    smoothing: float = Field(default=0.0, ge=0, lt=1)
    unbiased: bool = False
    metric: Literal["euclidean", "adam"] = "euclidean"
    losses: Literal["tasks", "tokens"] = "tasks"

    def init(self, n_tasks: int) -> CATSState:
        """Return the first state: every α_n = alpha_init ("paper") or 1/N, λ_s = λ_n = 0, λ_c = multiplier_init.

        Raises:
            ConfigError: If the floor leaves no room on the simplex, or an option does not belong to the formulation.
        """
        if n_tasks > 1 and self.alpha_floor * n_tasks >= 1:
            raise ConfigError(
                f"balancing.alpha_floor must be below 1/{n_tasks} for {n_tasks} tasks, found {self.alpha_floor}; "
                f"lower it, to {0.1 / n_tasks:.1g} say"
            )
        if self._is_literal and (self.smoothing or self.unbiased or self.metric != "euclidean"):
            raise ConfigError(
                "balancing.smoothing, unbiased and metric are no part of Algorithm 1, found one with formulation: "
                "paper; use formulation: implicit, or leave them out"
            )
        zero = torch.zeros((), dtype=torch.float64)
        first = (self.alpha_init or 1.0) if self._is_literal else 1 / n_tasks
        alpha = torch.full((n_tasks,), first, dtype=torch.float64)
        multiplier = (0.0 if self._is_literal else 1.0) if self.multiplier_init is None else self.multiplier_init
        shape = (0,) if not self.smoothing else (n_tasks, n_tasks) if self.statistics == "gramian" else (n_tasks,)
        return CATSState(
            alpha=alpha,
            floor_multipliers=torch.zeros_like(alpha),
            curvature_multiplier=torch.full_like(zero, multiplier),
            simplex_multiplier=zero,
            curvature=torch.full_like(zero, torch.nan),
            statistics=torch.full(shape, torch.nan, dtype=torch.float64),
        )

    @property
    def _is_literal(self) -> bool:
        return self.formulation == "paper"

    @property
    def scale_of_weights(self) -> str | None:
        """Free of the gradients' scale where G is divided by it."""
        return None if self._is_literal or not self.normalise else "free"

    @property
    def measures(self) -> Request:
        """The request of a step that moves α."""
        return Request("products" if self._is_literal else self.statistics, halves=self.unbiased, metric=self.metric)

    def is_valid(self, state: CATSState) -> bool:
        """Return whether weights and multipliers that were read back are ≥ 0, and the weights not all 0."""
        numbers = (state.alpha, state.floor_multipliers, state.curvature_multiplier, state.simplex_multiplier)
        return all(bool((values >= 0).all()) for values in numbers) and bool(state.alpha.any())

    def request(self, state: CATSState) -> Request:
        """Request products or the Gram matrix once in `inner_steps` steps, in the last of them."""
        if (state.steps + 1) % self.inner_steps or state.steps < self.start_step:
            return Request()
        return self.measures

    def weights(self, state: CATSState, task_ids: Tensor) -> Tensor:
        """Return the (K,) weights: α in "paper"; else α / Σα over the present tasks (equal where Σα is 0) times their
        length."""
        alpha = state.alpha[task_ids]
        if self._is_literal:
            return alpha
        total = alpha.sum()
        shares = alpha / total if total > 0 else torch.full_like(alpha, 1 / len(alpha))
        return shares * self._length(total, state, len(alpha))

    def _length(self, total: Tensor, state: CATSState, present: int) -> float:
        """Return Σ w over the K present tasks: 1, or their share of Σα; K times as much over shares of tokens."""
        share = 1.0 if self.simplex == "present" else total.item() * len(state.alpha) / present
        return share * (present if self.losses == "tokens" else 1)

    def step(self, state: CATSState, signals: Signals) -> tuple[Tensor, CATSState]:
        """Make one of the m inner steps; the last of them moves α and λ, for the steps that follow.

        Raises:
            DivergedError: If the losses or gradients are not finite, α and λ no longer are, or Σα reaches 0.
        """
        weights = self.weights(state, signals.task_ids)
        following = replace(state, steps=state.steps + 1)
        if self.request(state).kind == "nothing":
            return weights, following
        losses, curvature = signals.losses.double().cpu(), self._read(signals, weights)
        if not (losses.isfinite().all() and curvature.products.isfinite().all()):
            raise DivergedError(f"CATS needs finite losses and gradients, found losses {losses.tolist()}")
        update = self._paper_update if self._is_literal else self._implicit_update
        following = update(following, signals.task_ids, losses, curvature)
        self._check(following)
        return weights, following

    def _read(self, signals: Signals, weights: Tensor) -> Curvature:
        """Return the statistics of the step, with the products at `weights`."""
        gramian = None if signals.gramian is None else signals.gramian.double().cpu()
        if signals.products is not None and (gramian is None or self._is_literal):
            return Curvature(None, signals.products.double().cpu())
        if gramian is None:
            raise ConfigError("CATS needs the products or the Gram matrix that it asked for, found neither")
        return Curvature(gramian if self.statistics == "gramian" else None, gramian @ weights)

    def _check(self, state: CATSState) -> None:
        """Refuse a state that training cannot go on with."""
        advice = (
            f"lower balancing.alpha_lr ({self.alpha_lr}), raise balancing.multiplier_lr ({self.multiplier_lr}), or use "
            "balancing.formulation: implicit"
        )
        if not (state.alpha.sum() + state.curvature_multiplier + state.simplex_multiplier).isfinite():
            raise DivergedError(
                f"task weights and multipliers must be finite, found {state.alpha.tolist()} at step {state.steps}; "
                + advice
            )
        if state.alpha.sum() <= 0:
            raise DivergedError(
                f"the sum of the task weights must be positive, found 0 at step {state.steps}: Algorithm 1 has driven "
                f"them there, and training would stand still; {advice}"
            )

    def _paper_update(self, state: CATSState, tasks: Tensor, losses: Tensor, curvature: Curvature) -> CATSState:
        """Apply lines 11 to 13 of Algorithm 1: all gradients at the old α and λ."""
        alpha, floor, rate = state.alpha[tasks], state.floor_multipliers[tasks], self.multiplier_lr
        kappa, surplus = alpha @ curvature.products, alpha.sum() - 1
        gradient = (
            losses
            + 2 * state.curvature_multiplier * curvature.products
            + 2 * state.simplex_multiplier * surplus
            - floor
        )
        floor = (floor + rate * (self.alpha_floor - alpha)).clamp(min=0)
        return replace(
            state,
            alpha=state.alpha.index_copy(0, tasks, (alpha - self.alpha_lr * gradient).clamp(min=0)),
            floor_multipliers=state.floor_multipliers.index_copy(0, tasks, floor),
            curvature_multiplier=(state.curvature_multiplier + rate * (kappa - self.curvature_budget)).clamp(min=0),
            simplex_multiplier=(state.simplex_multiplier + rate * surplus**2).clamp(min=0),
            curvature=kappa,
        )

    def _implicit_update(self, state: CATSState, tasks: Tensor, losses: Tensor, curvature: Curvature) -> CATSState:
        """Take a backward Euler step of the present tasks' weights, then λ_c at the new ones."""
        alpha = state.alpha[tasks]
        total = alpha.sum()
        if total <= 0:  # without a floor, absent tasks may hold all the weight: there is none to share
            return state
        before, floor = alpha / total, min(self.alpha_floor / total.item(), 1 / len(alpha))
        length = self._length(total, state, len(alpha))  # the combined gradient was not that of `before`
        curvature = replace(curvature, products=curvature.products / length)
        kappa = before @ curvature.products
        statistics = state.statistics
        if self.smoothing:
            curvature, statistics = curvature.averaged(statistics, tasks, before, self.smoothing)
        if curvature.gramian is not None and (self.smoothing or self.unbiased):
            gramian = nearest_semidefinite(curvature.gramian)
            curvature = Curvature(gramian, gramian @ before)
        curvature = curvature.normalised() if self.normalise else curvature
        after = step_weights(
            before, curvature, state.curvature_multiplier, self.alpha_lr, losses if self.loss_term else None, floor
        )
        at = before if curvature.gramian is None else after
        products = curvature.at(after)
        bound = torch.full_like(kappa, self.curvature_budget)
        if self.budget_slack is not None:
            bound = bound.maximum((1 + self.budget_slack) * least_curvature(products, at, floor))
        surplus = at @ products - bound
        moved = (after * total).clamp(min=min(self.alpha_floor, alpha.min().item()))
        return replace(
            state,
            alpha=state.alpha.index_copy(0, tasks, moved),
            curvature_multiplier=(state.curvature_multiplier + self.multiplier_lr * surplus).clamp(min=0),
            curvature=kappa,
            statistics=statistics,
        )

    def price_of_curvature(self, state: CATSState, squares: Sequence[float], length: float) -> float:
        """Return λ_c per ‖Σ w_n g_n‖²: w is α, or a multiple of a, whose G is divided by the mean of the ‖g_n‖²."""
        unit = 1.0 if self._is_literal else length * (sum(squares) / len(squares) if self.normalise else 1.0)
        return state.curvature_multiplier.item() / unit if unit else 0.0

    def describe(self, state: CATSState) -> dict[str, Any]:
        """Return the multipliers and the curvature."""
        return {
            "multipliers": {
                "curvature": state.curvature_multiplier.item(),
                "simplex": state.simplex_multiplier.item(),
                "floor": state.floor_multipliers.tolist(),
            },
            "curvature": state.curvature.item(),
        }
