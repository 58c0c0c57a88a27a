"""Distributionally robust training: the weights are the worst mixture of tasks within a χ² ball.

Source: Zhou et al., "Distributionally Robust Multilingual Machine Translation", EMNLP 2021: the χ² uncertainty set
and iterated best response (the paper's equations are not in our hands; written from its abstract, the authors'
published settings and the general theory of the χ² ball).

Legend: N tasks, p prior shares, L̂_n running mean of the loss of task n, b_n its baseline, q the worst mixture.

    min over θ  max over q:  Σ q_n (L_n − b_n),   q on the simplex,   ½ Σ p_n (q_n / p_n − 1)² ≤ ρ,   q_n ≥ f p_n

Best response. Where the floor f is 0, q_n / p_n is linear in the loss on a set A of the highest losses, and 0 below:

    q_n = p_n (1 / P_A + b (L̂_n − μ_A)),   b = √((1 + 2ρ − 1 / P_A) / S_A)
    P_A = Σ_A p_n,   μ_A = Σ_A p_n L̂_n / P_A,   S_A = Σ_A p_n (L̂_n − μ_A)²

A floor is the same problem for q' in  q = f p + (1 − f) q',  with ρ / (1 − f)² in place of ρ.
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
from catscale.settings import LARGE

ROUNDING = 1e-12
"""Losses that differ by less, relative to the largest, are equal: their differences are rounding."""
PriorShare = Annotated[float, Field(gt=0, le=LARGE, allow_inf_nan=False)]
Baseline = Annotated[float, Field(ge=-LARGE, le=LARGE, allow_inf_nan=False)]


@dataclass(frozen=True)
class DROState(State):
    """Running losses.

    Attributes:
        running: (N,) float64 L̂_n, NaN before task n was seen.
    """

    running: Tensor


class DRO(LossMethod):
    """Weights of the mixture of tasks, near the prior one, whose loss is highest.

    The weights are q_n over the sum of q over the present tasks: ≥ 0 with sum 1. With "tasks" as `losses` and every
    task in every step (or equally often), the step is the gradient of Σ q_n L_n. Under a sampler that draws tasks
    unequally, what it draws multiplies q: set its temperature high, and let `prior` hold the data shares.

    Differences from the paper and its code: q weights the gradients of each step, where the paper draws the next
    epoch's data from q; q answers the running losses of every step, where it is found once per epoch; it is exact,
    where the code raises small ratios to the floor, renormalises and bisects; L̂_n begins at the first loss, where the
    code's begins at 0 in every epoch. A task that was never seen counts with the mean of the others.

    Attributes:
        losses: The meaning of L_n, see `Method`; a baseline needs "tasks".
        radius: ρ; the authors' scripts have 0.05.
        prior: p, by name of task (all of them) or in their order; made to sum to 1; null for equal shares.
        baselines: b, in nats per token, such as the losses of a model trained before; by name or in order, 0 for
            names left out; null for 0.
        floor: f, the least q_n / p_n.
        rate: Part of the new loss in L̂_n.
    """

    method: Literal["dro"] = "dro"
    radius: float = Field(default=0.05, ge=0, le=LARGE, allow_inf_nan=False)
    prior: dict[str, PriorShare] | list[PriorShare] | None = None
    baselines: dict[str, Baseline] | list[Baseline] | None = None
    floor: float = Field(default=0.2, ge=0, lt=1, allow_inf_nan=False)
    rate: float = Field(default=0.1, gt=0, le=1, allow_inf_nan=False)

    def bind(self, tasks: Sequence[str], groups: Sequence[str]) -> "DRO":
        """Return the same settings with prior and baselines in the order of the tasks.

        Raises:
            ConfigError: If one names a task that there is not, or a prior leaves one out.
        """
        changes = {}
        for name, given in (("prior", self.prior), ("baselines", self.baselines)):
            if not isinstance(given, dict):
                continue
            wrong = sorted(set(given) - set(tasks)) or (sorted(set(tasks) - set(given)) if name == "prior" else [])
            if wrong:
                raise ConfigError(
                    f"balancing.{name} must name {'each' if name == 'prior' else 'some'} of the tasks "
                    f"{', '.join(tasks)}, found {', '.join(given)}; see {', '.join(wrong)}"
                )
            changes[name] = [given.get(task, 0.0) for task in tasks]
        return self.model_copy(update=changes)

    def init(self, n_tasks: int) -> DROState:
        """Return the first state: no losses.

        Raises:
            ConfigError: If prior or baselines are not one per task.
        """
        for name, given in (("prior", self.prior), ("baselines", self.baselines)):
            if given is not None and (isinstance(given, dict) or len(given) != n_tasks):
                raise ConfigError(
                    f"balancing.{name}: found {len(given)} numbers for {n_tasks} tasks; give one per task, in the "
                    "order of the tasks, or name the tasks"
                )
        return DROState(torch.full((n_tasks,), torch.nan, dtype=torch.float64))

    def weights(self, state: DROState, task_ids: Tensor) -> Tensor:
        """Return the (K,) q over its sum."""
        mixture = self.mixture(state)[task_ids]
        total = mixture.sum()
        return mixture / total if total > 0 else torch.full_like(mixture, 1 / len(mixture))

    def mixture(self, state: DROState) -> Tensor:
        """Return the (N,) q, the best response to the running losses."""
        prior = torch.ones_like(state.running) if self.prior is None else torch.tensor(self.prior, dtype=torch.float64)
        prior = prior / prior.sum()
        excess = state.running - torch.tensor(self.baselines or [0.0], dtype=torch.float64)
        excess = torch.where(excess.isnan(), excess.nanmean().nan_to_num(), excess)
        worst = worst_mixture(excess, prior, self.radius / (1 - self.floor) ** 2)
        return self.floor * prior + (1 - self.floor) * worst

    def step(self, state: DROState, signals: Signals) -> tuple[Tensor, DROState]:
        """Return the present weights, and the state with the running losses of the present tasks moved.

        Raises:
            DivergedError: If a loss is not finite.
        """
        tasks = signals.task_ids
        losses = finite_losses(signals)
        before = state.running[tasks]
        running = torch.where(before.isnan(), losses, before + self.rate * (losses - before))
        return self.weights(state, tasks), DROState(state.running.index_copy(0, tasks, running))

    def describe(self, state: DROState) -> dict[str, Any]:
        """Return the mixture q of all N tasks."""
        return {"mixture": self.mixture(state).tolist()}


def worst_mixture(losses: Tensor, prior: Tensor, radius: float) -> Tensor:
    """Return argmax { Σ q_n L_n : q on the simplex, ½ Σ p_n (q_n / p_n − 1)² ≤ ρ }.

    Args:
        losses: (N,) float64 L.
        prior: (N,) float64 p > 0 with sum 1.
        radius: ρ ≥ 0.

    Returns:
        (N,) q.
    """
    order = losses.argsort(descending=True)
    high, share = losses[order], prior[order]
    ratios = torch.zeros_like(share)
    for size in range(len(order), 0, -1):
        part, weight = high[:size], share[:size]
        mass = weight.sum()
        mean = (weight * part).sum() / mass
        spread = (weight * (part - mean) ** 2).sum()
        tied = spread <= (ROUNDING * high.abs().max()) ** 2
        room = 1 + 2 * radius - 1 / mass  # of Σ p (q/p)², beyond that of p itself restricted to A
        slope = (room.clamp(min=0) / spread).sqrt() if not tied else torch.zeros_like(mass)
        candidate = 1 / mass + slope * (part - mean)
        if candidate[-1] >= 0 or size == 1:
            ratios[:size] = candidate.clamp(min=0)
            break
    return torch.empty_like(prior).index_copy_(0, order, ratios * share)
