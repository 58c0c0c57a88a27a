"""STCH: the largest of the losses, made smooth.

Source: Lin et al., "Smooth Tchebycheff Scalarization for Multi-Objective Optimization", ICML 2024
(arXiv 2402.19078); the form on logarithms is that of the authors' code for multi-task learning.

Legend: N tasks, K tasks in the step, L̂_n running loss of task n, z_n its ideal, p_n its preference, b_n its mean loss
over the warm-up, μ smoothing.

    plain         min μ log Σ_n exp(p_n (L_n − z_n) / μ)        w_n ∝ p_n exp(p_n (L̂_n − z_n) / μ)
    logarithms    min μ log Σ_n exp(log(L_n / b_n) / μ)         w_n ∝ (L̂_n / b_n)^(1/μ) / L̂_n
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Signals, State
from catscale.balancing.methods.loss_method import LossMethod, finite_losses
from catscale.errors import ConfigError
from catscale.settings import LARGE, STEPS

Preference = Annotated[float, Field(gt=0, le=LARGE, allow_inf_nan=False)]
Ideal = Annotated[float, Field(ge=0, le=LARGE, allow_inf_nan=False)]


@dataclass(frozen=True)
class STCHState(State):
    """Running losses, and the sums of the warm-up; all (N,) float64.

    Attributes:
        running: L̂_n, NaN before task n was seen.
        sums: Sum of the losses of task n over its warm-up.
        counts: Steps of task n, `warmup` at most.
    """

    running: Tensor
    sums: Tensor
    counts: Tensor


class STCH(LossMethod):
    """Weights of the smooth maximum of the losses: the smaller μ, the more the worst task has of them.

    The weights are ≥ 0 and sum to 1: their direction is that of the gradient of the objective, their length a mean's.

    Differences from the paper: L̂_n is a running mean of earlier steps, so that weights are known beforehand and a step
    is one plain backward; the sum is 1, where the gradient's is Σ p_n of the worst tasks, or about 1 / L; weights are
    equal ("plain") or 1 / L̂_n ("log") until every present task has had `warmup` steps, where the authors' code ends
    it by epochs; a task that was never seen has the mean of the others.

    Attributes:
        form: "plain", in nats, or "log", relative to the losses of the warm-up.
        smoothing: μ; in nats for "plain", without a unit for "log".
        preferences: p, by name of task (1 for names left out) or in their order; null for 1 each. "plain" only.
        ideals: z, nats per token, by name of task (0 for names left out) or in their order; null for 0. "plain" only.
        warmup: Steps of each task over which b_n is averaged.
        rate: Part of the new loss in L̂_n.
    """

    method: Literal["stch"] = "stch"
    form: Literal["plain", "log"] = "plain"
    smoothing: float = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)
    preferences: dict[str, Preference] | list[Preference] | None = None
    ideals: dict[str, Ideal] | list[Ideal] | None = None
    warmup: int = Field(default=100, ge=1, le=STEPS)
    rate: float = Field(default=0.1, gt=0, le=1, allow_inf_nan=False)

    def bind(self, tasks: Sequence[str], groups: Sequence[str]) -> "STCH":
        """Return the same settings with preferences and ideals in the order of the tasks.

        Raises:
            ConfigError: If one names a task that there is not.
        """
        changes = {}
        for name, given, default in (("preferences", self.preferences, 1.0), ("ideals", self.ideals, 0.0)):
            if not isinstance(given, dict):
                continue
            unknown = sorted(set(given) - set(tasks))
            if unknown:
                raise ConfigError(
                    f"balancing.{name} names {', '.join(unknown)}; the tasks are {', '.join(tasks)}; use their names"
                )
            changes[name] = [given.get(task, default) for task in tasks]
        return self.model_copy(update=changes)

    def init(self, n_tasks: int) -> STCHState:
        """Return the first state: no losses.

        Raises:
            ConfigError: If preferences or ideals are not one per task, or belong to the other form.
        """
        for name, given in (("preferences", self.preferences), ("ideals", self.ideals)):
            if given is not None and self.form == "log":
                raise ConfigError(f"balancing.{name} goes with form: plain, found form: log; leave one of them out")
            if given is not None and (isinstance(given, dict) or len(given) != n_tasks):
                raise ConfigError(
                    f"balancing.{name}: found {len(given)} numbers for {n_tasks} tasks; give one per task, in the "
                    "order of the tasks, or name the tasks"
                )
        zeros = torch.zeros(n_tasks, dtype=torch.float64)
        return STCHState(torch.full_like(zeros, torch.nan), zeros, zeros)

    def weights(self, state: STCHState, task_ids: Tensor) -> Tensor:
        """Return (K,) weights with sum 1."""
        losses = state.running[task_ids]
        losses = torch.where(losses.isnan(), losses.nanmean().nan_to_num(1.0), losses)
        is_warm = bool((state.counts[task_ids] >= self.warmup).all())
        if self.form == "log":
            relative = losses * state.counts[task_ids] / state.sums[task_ids]
            powers = relative.log() / self.smoothing if is_warm else torch.zeros_like(losses)
            return (powers - losses.log()).softmax(0)
        if not is_warm:
            return torch.full_like(losses, 1 / len(losses))
        preferences = _listed(self.preferences, torch.ones_like(state.running))[task_ids]
        ideals = _listed(self.ideals, torch.zeros_like(state.running))[task_ids]
        return (preferences * (losses - ideals) / self.smoothing + preferences.log()).softmax(0)

    def step(self, state: STCHState, signals: Signals) -> tuple[Tensor, STCHState]:
        """Return the present weights, and the state with the running losses of the present tasks moved.

        Raises:
            DivergedError: If a loss is not finite.
        """
        tasks, losses = signals.task_ids, finite_losses(signals)
        before = state.running[tasks]
        running = torch.where(before.isnan(), losses, before + self.rate * (losses - before))
        warming = (state.counts[tasks] < self.warmup).double()
        return self.weights(state, tasks), STCHState(
            running=state.running.index_copy(0, tasks, running),
            sums=state.sums.index_add(0, tasks, losses * warming),
            counts=state.counts.index_add(0, tasks, warming),
        )

    def describe(self, state: STCHState) -> dict[str, Any]:
        """Return all N running losses, 0 before they exist."""
        return {"running_losses": state.running.nan_to_num(nan=0.0).tolist()}


def _listed(given: dict[str, float] | list[float] | None, default: Tensor) -> Tensor:
    """Return (N,) numbers in the order of the tasks; `init` has refused names."""
    return default if given is None or isinstance(given, dict) else torch.tensor(given, dtype=torch.float64)
