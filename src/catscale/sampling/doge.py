"""DoGE: tasks whose gradients agree with those of the others are drawn more.

Source: Fan, Pagliardini and Jaggi, "DoGE: Domain Reweighting with Generalization Estimation", 2023; public code:
github.com/Olivia-fsm/DoGE, `src/trainer.py`.

Legend: N tasks; p (N,) probabilities; g_n gradient of task n; η learning rate of the model, μ regularisation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from catscale.sampling.contract import Against, SamplerState
from catscale.sampling.interval_sampler import IntervalSampler
from catscale.sampling.planning import choose_floor, first_logits, keep_floor
from catscale.settings import LARGE

MOST = 5.0
"""The largest score, as in the public code; the least is 0."""


@dataclass(frozen=True)
class DoGEState(SamplerState):
    """The learnt state.

    Attributes:
        logits: log p before the floor, (N,) float64.
        mean: p̄, (N,) float64, mean of p over the updates.
        updates: () int64.
        floor: f, () float64; never changes.
    """

    logits: Tensor
    mean: Tensor
    updates: Tensor
    floor: Tensor


class DoGE(IntervalSampler):
    """After every `interval` steps, p moves towards tasks whose gradients are aligned with the others'.

        R_n = Σ_{m≠n} ⟨g_n, g_m⟩ / mean ‖g‖                         of one sub-batch a task
        q_n ← q_n exp(r clip(R_n, 0, 5)) / Z,    p = f + (1 − N f) q        at first q_n ∝ size_n^(1/T)

    Its r is η / μ. Of two tasks both have the same R, and nothing moves. With `average` a step draws from p̄, the mean
    of p over the updates so far.

    Differences from the paper: there p is learnt with a small proxy model, and the average p is what the real model is
    trained with; here one training does both. There η is the model's learning rate of the step, with μ = 0.01; here r
    is constant. Gradients are taken without dropout; a floor keeps every task in the mixture.

    Cost: N passes of one sub-batch each every `interval` steps. Memory: N gradients, N · D numbers.

    Attributes:
        interval: Steps between two updates; None for a 25th of `training.max_steps`.
        rate: r.
        average: Whether p̄ is drawn from.
        temperature: T of the first mixture.
        floor: f, below 1/N; None for a tenth of the smallest share of the first mixture, at most 0.001.

    Example:
        >>> method = DoGE(interval=1, rate=1, temperature=1, floor=0)
        >>> state = method.update(method.init({"en-az": 1, "en-fr": 1}), torch.tensor([0.0, 1.0], dtype=torch.float64))
        >>> method.probabilities(state, 1).round(4).tolist()
        [0.2689, 0.7311]
    """

    against: ClassVar[Against] = "others"
    method: Literal["doge"] = "doge"
    rate: float = Field(default=0.05, gt=0, le=1e6, allow_inf_nan=False)
    average: bool = False
    temperature: float = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)
    floor: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False)

    def init(self, sizes: Mapping[str, int]) -> DoGEState:
        """Return the mixture of temperature sampling.

        Raises:
            ConfigError: If the floor leaves no room on the simplex.
        """
        logits = first_logits(sizes, self.temperature)
        floor = choose_floor(self.floor, logits.exp())
        return DoGEState(logits, keep_floor(logits.softmax(0), floor), torch.tensor(0), floor)

    def probabilities(self, state: DoGEState, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities p, or p̄."""
        shares = state.mean if self.average else keep_floor(state.logits.softmax(0), state.floor)
        found: NDArray[np.float64] = shares.numpy().copy()
        return found

    def update(self, state: DoGEState, rewards: Tensor) -> DoGEState:
        """Return p after one step on (N,) float64 products R."""
        logits = state.logits + self.rate * rewards.clamp(0, MOST)
        logits = logits - logits.logsumexp(0)
        updates = int(state.updates) + 1
        mean = state.mean + (keep_floor(logits.softmax(0), state.floor) - state.mean) / updates
        return DoGEState(logits, mean, torch.tensor(updates), state.floor)

    def describe(self, state: DoGEState) -> dict[str, Any]:
        """Return the Shannon entropy of what is drawn from, in nats."""
        return {"entropy": torch.special.entr(torch.from_numpy(self.probabilities(state, 1))).sum().item()}
