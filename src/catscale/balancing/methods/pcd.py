"""PCD: the primary gradient, bent as little as every other task's progress needs.

Source: Varam and AlHajri, "Not All Objectives Are Born Equal: Priority-Constrained Descent for Hierarchical
Multi-Objective Optimization", 2026 (arXiv 2606.29521), in TorchJD's notation (`PCD`).

Legend: N tasks, K tasks in the step, g_n gradient of task n, v_n running mean of ‖g_n‖², t_n its updates, 0 the primary
task, U cosines of the others, e_n = ‖g̃_n‖.

    v_n ← β v_n + (1 − β) ‖g_n‖²,    g̃_n = g_n / √(v_n / (1 − β^t_n))
    d = argmin ½ ‖d − g̃_0‖²   subject to  ⟨g̃_n, d⟩ ≥ τ ‖g̃_n‖²  for all others n;    step along  d ‖g_0‖ / ‖d‖

With the other gradients at unit length ĝ_n:  d = g̃_0 + Σ x_n ĝ_n,  x = argmin { ½ xᵀUx − rᵀx : x ≥ 0 },
r_n = τ e_n − ⟨ĝ_n, g̃_0⟩.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, PrivateAttr
from torch import Tensor

from catscale.balancing.contract import MethodSettings, Request, Signals, State
from catscale.balancing.methods.gramian_method import cosines, measured_gramians, weigh_present
from catscale.balancing.methods.nonnegative import lift_matrix, minimise_nonnegative
from catscale.errors import ConfigError

OPPOSED = 1e-7
"""A combination is 0 where its norm, relative to the root of Σ c_n² ‖g_n‖², is below it: the rest is rounding."""
MISSED = 1e-6
"""A constraint that is missed by more, relative to the largest right side, cannot be met together with the others."""


@dataclass(frozen=True)
class PCDState(State):
    """Running squares of the gradients' norms.

    Attributes:
        squares: (N,) float64 v_n, 0 before task n was seen.
        updates: (N,) float64 t_n.
    """

    squares: Tensor
    updates: Tensor


class PCD(MethodSettings):
    """Follows one task, and bends away from it only as far as each other task's progress asks for.

    The weights are ≥ 0; the step is as long as the gradient of the primary task.

    Differences from the paper: without a `primary`, or in a step without it, the mean of the losses is the primary
    objective and all tasks are the others (ours: a hierarchy needs a head, and a mixture of languages has none); its
    gradient counts at unit length. ε is left out of the root, where it would give gradients a unit; the problem is
    solved over x, by an active set. As in the paper's code, constraints that cannot be met together are dropped.

    Cost: K gradients held, K² products, every step.

    Attributes:
        primary: Name of the task that is followed; null for the mean of the losses.
        progress: τ, the share of a task's own progress that it is promised, 0 to 1.
        smoothing: β.
        losses: The meaning of L_n, see `Method`.
    """

    method: Literal["pcd"] = "pcd"
    scale_of_weights: ClassVar[str] = "free"
    primary: str | None = None
    progress: float = Field(default=0.02, ge=0, le=1, allow_inf_nan=False)
    smoothing: float = Field(default=0.999, ge=0, lt=1, allow_inf_nan=False)
    losses: Literal["tasks", "tokens"] = "tasks"
    _primary: int | None = PrivateAttr(default=None)

    def bind(self, tasks: Sequence[str], groups: Sequence[str]) -> "PCD":
        """Return the same settings with the primary task's position.

        Raises:
            ConfigError: If there is no such task.
        """
        bound = self.model_copy()
        if self.primary is not None:
            if self.primary not in tasks:
                raise ConfigError(
                    f"balancing.primary must be one of the tasks {', '.join(tasks)}, found {self.primary!r}"
                    "; name one of them, or leave it out for the mean of all"
                )
            bound._primary = list(tasks).index(self.primary)
        return bound

    def init(self, n_tasks: int) -> PCDState:
        """Return the first state: nothing seen."""
        zeros = torch.zeros(n_tasks, dtype=torch.float64)
        return PCDState(zeros, zeros)

    def request(self, state: PCDState) -> Request:
        """Request the Gram matrix."""
        return Request("gramian")

    def weights(self, state: PCDState, task_ids: Tensor) -> None:
        """Return None: the weights are unknown before the step."""
        return None

    def step(self, state: PCDState, signals: Signals) -> tuple[Tensor, PCDState]:
        """Return (K,) weights and the state with the present tasks' squares.

        Raises:
            ConfigError: If the settings name a task and were not bound to the tasks' names.
        """
        if self.primary is not None and self._primary is None:
            raise ConfigError(f"balancing.primary is {self.primary!r}; call bind(tasks, groups) before the first step")
        gramian, tasks = measured_gramians(signals)[0], signals.task_ids
        squares = self.smoothing * state.squares[tasks] + (1 - self.smoothing) * gramian.diagonal()
        following = PCDState(
            squares=state.squares.index_copy(0, tasks, squares),
            updates=state.updates.index_copy(0, tasks, state.updates[tasks] + 1),
        )
        means = squares / (1 - self.smoothing ** following.updates[tasks])
        scales = torch.zeros_like(state.squares).index_copy(0, tasks, (gramian.diagonal().max() / means).sqrt())
        return weigh_present(gramian, tasks, lambda part, ids: self._weigh(part, ids, scales[ids])), following

    def _weigh(self, gramian: Tensor, task_ids: Tensor, scales: Tensor) -> Tensor:
        """Return (K,) weights, or zeros where the primary gradient is 0.

        Args:
            gramian: (K, K) float64 with a positive diagonal.
            task_ids: (K,) ids.
            scales: (K,) numbers that turn g_n into g̃_n.
        """
        unit, norms = cosines(gramian)
        is_primary = task_ids == (-1 if self._primary is None else self._primary)
        first = torch.where(is_primary, scales, 0.0) if is_primary.any() else torch.full_like(norms, 1 / len(norms))
        own = _norm(gramian, first)
        if own <= OPPOSED * float((first * norms).norm()):
            return torch.zeros_like(norms)
        if is_primary.any():
            own = float(norms[is_primary])
        else:
            first = first / own
        others = ~is_primary
        right = (self.progress * scales * norms - gramian @ first / norms)[others]
        weights = first.clone()
        weights[others] += least_bend(unit[others][:, others], right) / norms[others]
        length = _norm(gramian, weights)
        if length <= OPPOSED * float((weights * norms).norm()):
            return torch.zeros_like(norms)
        return weights * (own / length)

    def describe(self, state: PCDState) -> dict[str, Any]:
        """Return nothing beyond the weights."""
        return {}


def least_bend(unit: Tensor, right: Tensor) -> Tensor:
    """Return argmin { ½ xᵀUx − rᵀx : x ≥ 0 }, which is the least ‖Σ x_n ĝ_n‖ with U x ≥ r, or 0 where there is none.

    Args:
        unit: (K, K) U.
        right: (K,) r.
    """
    if not (right > 0).any():
        return torch.zeros_like(right)
    size = right.abs().max()
    matrix = lift_matrix(unit, 0.0)
    found = minimise_nonnegative(matrix, right / size, (right / size).clamp(min=0))
    is_met = (matrix @ found - right / size).min() >= -MISSED
    return found * size if is_met else torch.zeros_like(right)


def _norm(gramian: Tensor, coefficients: Tensor) -> float:
    """Return ‖Σ c_n g_n‖."""
    return float((coefficients @ gramian @ coefficients).clamp(min=0).sqrt())
