"""ExcessMTL: more weight to the tasks whose loss is furthest above what is reachable, not to those whose loss is high.

Source: He et al., "Robust Multi-Task Learning with Excess Risks", ICML 2024, in TorchJD's notation
(`ExcessMTLWeighting`).

Legend: N tasks, K tasks in the step, g_n gradient of task n, S_n sum of ‖g_n‖² over its measured steps, E_n estimate of
the excess of its loss, b_n the mean of E_n over its warm-up, ξ_n logits, η step size.

    E_n = g_nᵀ H_n⁻¹ g_n ≈ ‖g_n‖² / √S_n                  H_n = √S_n · I, AdaGrad's with one number per task
    r_n = E_n / b_n
    ξ_n ← ξ_n + η (r_n − mean_k r_k),      w = softmax(ξ) over the tasks of the step
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import MethodSettings, Request, Signals, State
from catscale.balancing.methods.norm_method import finite_norms
from catscale.settings import LARGE, STEPS


@dataclass(frozen=True)
class ExcessMTLState(State):
    """Sums of squares, baselines and logits; all tensors (N,) float64.

    Attributes:
        logits: ξ_n, 0 at first.
        squares: S_n.
        excess: Sum of E_n over the warm-up.
        counts: Measured steps of task n.
        steps: Steps taken.
    """

    logits: Tensor
    squares: Tensor
    excess: Tensor
    counts: Tensor
    steps: int = 0


class ExcessMTL(MethodSettings):
    """Weights that rise with the estimated excess risk, so that noise alone attracts none.

    The weights are used as they were before the step; they are > 0 and sum to 1.

    Differences from the paper: H has one number per task, the root of the sum of squared norms, where the paper has one
    per task and parameter (N·D numbers of state, which a method that sees no gradients cannot keep); the mean of r over
    the tasks of the step is taken off, which changes no weight where all tasks are in every step and keeps those of
    absent ones in place; weights move for the steps that follow; tasks rest until they had `warmup` measured steps,
    which the paper counts in epochs. A task whose warm-up had no gradient at all is left alone.

    Cost: in one step of `interval`, K norms over all parameters; nothing in the others.

    Attributes:
        step_size: η; the default is ours. r falls as 1/√t, so that the logits move by about 2 η √t in t steps.
        warmup: Measured steps of a task over which b_n is averaged.
        interval: Steps for each measured one.
        losses: The meaning of L_n, see `Method`.
    """

    method: Literal["excess_mtl"] = "excess_mtl"
    scale_of_weights: ClassVar[str] = "free"
    step_size: float = Field(default=0.01, ge=0, le=LARGE, allow_inf_nan=False)
    warmup: int = Field(default=10, ge=1, le=STEPS)
    interval: int = Field(default=1, ge=1, le=STEPS)
    losses: Literal["tasks", "tokens"] = "tasks"

    def init(self, n_tasks: int) -> ExcessMTLState:
        """Return the first state: nothing seen."""
        zeros = torch.zeros(n_tasks, dtype=torch.float64)
        return ExcessMTLState(zeros, zeros, zeros, zeros)

    @property
    def measures(self) -> Request:
        """The request of a step that moves ξ."""
        return Request("norms")

    def request(self, state: ExcessMTLState) -> Request:
        """Request the norms once in `interval` steps, in the last of them."""
        return Request() if (state.steps + 1) % self.interval else self.measures

    def weights(self, state: ExcessMTLState, task_ids: Tensor) -> Tensor:
        """Return (K,) weights with sum 1."""
        return state.logits[task_ids].softmax(0)

    def step(self, state: ExcessMTLState, signals: Signals) -> tuple[Tensor, ExcessMTLState]:
        """Return the present weights, and the state with ξ moved for the steps that follow if norms were requested.

        Raises:
            DivergedError: If a norm is not finite.
        """
        tasks = signals.task_ids
        weights = self.weights(state, tasks)
        following = replace(state, steps=state.steps + 1)
        if self.request(state).kind == "nothing":
            return weights, following
        norms = finite_norms(signals)
        squares = state.squares[tasks] + norms.square()
        excess = torch.where(squares > 0, norms.square() / squares.sqrt(), 0.0)
        warming = state.counts[tasks] < self.warmup
        ready = ~warming & (state.excess[tasks] > 0)
        relative = excess[ready] * self.warmup / state.excess[tasks][ready]
        moved = state.logits[tasks][ready] + self.step_size * (relative - relative.mean())
        return weights, replace(
            following,
            logits=state.logits.index_copy(0, tasks[ready], moved),
            squares=state.squares.index_copy(0, tasks, squares),
            excess=state.excess.index_add(0, tasks, torch.where(warming, excess, 0.0)),
            counts=state.counts.index_add(0, tasks, torch.ones_like(norms)),
        )

    def describe(self, state: ExcessMTLState) -> dict[str, Any]:
        """Return all N logits ξ_n."""
        return {"logits": state.logits.tolist()}
