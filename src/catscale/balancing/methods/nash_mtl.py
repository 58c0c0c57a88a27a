"""Nash-MTL: the bargaining solution, where every task gains in the same proportion.

Source: Navon et al., "Multi-Task Learning as a Bargaining Game", ICML 2022, Claim 3.1 and Algorithm 1.

Legend: K tasks in the step, g_n gradient of task n, d_n = ‖g_n‖, G = diag(d) U diag(d).

    max Σ log ⟨g_n, Δ⟩  over a ball of Δ:   Δ = Σ w_n g_n  with  (G w)_n = 1 / w_n

With w = β / d this reads Uβ = 1/β, the minimum of the strictly convex  ½ βᵀUβ − Σ log β_n. So ‖Δ‖² = Σ w_n (G w)_n = K,
however long the gradients are, and w_n is inversely proportional to the length of g_n.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from catscale.balancing.contract import Request, Signals, State
from catscale.balancing.methods.gramian_method import GramianSettings, cosines, measured_gramians, weigh_present
from catscale.settings import LARGE, STEPS


@dataclass(frozen=True)
class NashState(State):
    """The latest weights.

    Attributes:
        values: (N,) float64, NaN before a task was first measured.
        steps: Steps taken.
    """

    values: Tensor
    steps: int = 0


class NashMTL(GramianSettings):
    """Weights by which all tasks gain in the same proportion.

    The combined gradient has norm √K whatever the gradients' scale, as in the authors' code, and is then shortened to
    `max_norm` where it is longer: with the default of 1 it always has norm 1.

    Differences from the paper: Uβ = 1/β is solved by damped Newton steps, to rounding, for U + `ridge` · I. The
    authors (and TorchJD's `NashMTL`, which has no form on a Gram matrix) take convex-concave steps from the
    previous solution, under the constraint w_n (G w)_n ≥ 1; this needs neither them nor a solver's package, and no
    memory but for `interval`. They shorten the gradient in every step; here the steps between use the weights as they
    were, and a task that was never measured has the mean of the others'.

    Attributes:
        granularity: "all" for one Gram matrix over all shared parameters; "groups" for one, and its own weights, for
            each group of parameters, which goes with an interval of 1 only.
        losses: The meaning of L_n, see `Method`.
        interval: Steps for which the weights are kept once they are found; steps between cost nothing.
        max_norm: Longest ‖Σ w_n g_n‖ of a step that measures (over each group, with "groups"); null for no limit.
        ridge: Keeps the weights of opposed gradients, which have no bargaining solution, below ridge^(−1/2) / d_n.
    """

    method: Literal["nash_mtl"] = "nash_mtl"
    scale_of_weights: ClassVar[str] = "inverse"
    interval: int = Field(default=1, ge=1, le=STEPS)
    max_norm: float | None = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)
    ridge: float = Field(default=1e-6, gt=0, le=1e6, allow_inf_nan=False)

    @model_validator(mode="after")
    def _check_interval(self) -> Self:
        if self.granularity == "groups" and self.interval > 1:
            raise ValueError(
                f"balancing.interval must be 1 with granularity: groups, found {self.interval}; weights of a group "
                "are only usable in the step that measures them"
            )
        return self

    def init(self, n_tasks: int) -> NashState:
        """Return the first state: no weights."""
        return NashState(torch.full((n_tasks,), torch.nan, dtype=torch.float64))

    def request(self, state: NashState) -> Request:
        """Request the Gram matrix in the first of every `interval` steps."""
        return self.gramian_request() if state.steps % self.interval == 0 else Request()

    def weights(self, state: NashState, task_ids: Tensor) -> Tensor | None:
        """Return the (K,) latest weights, or None when the step finds new ones."""
        if state.steps % self.interval == 0:
            return None
        return torch.where(state.values.isnan(), state.values.nanmean().nan_to_num(1.0), state.values)[task_ids]

    def step(self, state: NashState, signals: Signals) -> tuple[Tensor, NashState]:
        """Return (K,) weights, or (P, K) per group, and the next state."""
        following = replace(state, steps=state.steps + 1)
        known = self.weights(state, signals.task_ids)
        if known is not None:
            return known, following
        gramians = measured_gramians(signals)
        found = torch.stack([self._weigh(gramian, signals.task_ids) for gramian in gramians])
        if self.granularity == "groups":
            return found, following
        # A task without gradient has weight 0 in this step, which says nothing about those that follow.
        kept = torch.where(gramians[0].diagonal() > 0, found[0], state.values[signals.task_ids])
        return found[0], replace(following, values=state.values.index_copy(0, signals.task_ids, kept))

    def _weigh(self, gramian: Tensor, task_ids: Tensor) -> Tensor:
        """Return (K,) weights, limited by `max_norm`, from G (K, K)."""
        weights = weigh_present(gramian, task_ids, lambda part, _: nash_weights(part, self.ridge))
        longest = gramian.diagonal().max()  # which `weigh_present` divides by
        weights = weights / longest.sqrt() if longest > 0 else weights
        length = float((weights @ gramian @ weights).clamp(min=0).sqrt())
        return weights * (self.max_norm / length) if self.max_norm is not None and length > self.max_norm else weights

    def describe(self, state: NashState) -> dict[str, Any]:
        """Return nothing beyond the weights."""
        return {}


def nash_weights(gramian: Tensor, ridge: float) -> Tensor:
    """Solve (G w)_n = 1 / w_n, G with `ridge` · diag(G) added to it.

    Args:
        gramian: (K, K) float64 with a positive diagonal.
        ridge: Relative to each ‖g_n‖².

    Returns:
        (K,) weights > 0.
    """
    unit, norms = cosines(gramian)
    matrix = unit + ridge * torch.eye(len(unit), dtype=unit.dtype)
    beta = torch.full_like(norms, float(len(unit) / matrix.sum()) ** 0.5)
    for _ in range(100):
        # f = ½ βᵀMβ − Σ log β is self-concordant: damped steps stay in β > 0 and cannot diverge.
        slope = matrix @ beta - 1 / beta
        direction = torch.linalg.solve(matrix + torch.diag(beta**-2), -slope)
        decrement = float((-slope @ direction).clamp(min=0).sqrt())
        beta = beta + direction / (1 + decrement if decrement > 0.25 else 1.0)
        if decrement < 1e-12:
            break
    return beta / norms
