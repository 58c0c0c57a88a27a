"""A brake by one's own gap: a task is drawn less as its training gradient no longer lowers its own dev loss.

Source: ours. Legend: N tasks; p (N,) probabilities; g_n training and d_n dev gradient of task n, d_n^a and d_n^b of two
halves of the dev sub-batch; P root of the optimiser's second moments; β smoothing, κ strength, c least brake, f floor.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class OwnGapState(SamplerState):
    """The learnt state.

    Attributes:
        first: log p of the first mixture, (N,) float64; never changes.
        products: Smoothed ⟨g_n, P⁻¹ d_n⟩ and ⟨d_n^a, P⁻¹ d_n^b⟩, (N, 2) float64; NaN before the first measurement, and
            of a task without a dev split.
        floor: f, () float64; never changes.
    """

    first: Tensor
    products: Tensor
    floor: Tensor


class OwnGap(IntervalSampler):
    """After every `interval` steps, tasks whose training gradient has left their dev gradient are drawn less.

        N_n ← β N_n + (1 − β) ⟨g_n, P⁻¹ d_n⟩        D_n ← β D_n + (1 − β) ⟨d_n^a, P⁻¹ d_n^b⟩
        R_n = N_n / D_n                              1 where D_n ≤ 0
        ψ_n = κ log clip(R_n, c, 1)
        p   = f + (1 − N f) softmax(log size_n / T + ψ_n)

    R_n is what a step on training data of the task does to its dev loss, as a share of what a step on its dev data
    would: 1 while the task generalises, near 0 once it is memorised. Both are unbiased, of independent data; sums are
    smoothed and not their ratio, which is not. A task is never drawn more than by the first mixture, but for what the
    others leave.

    Cost: a pass of a sub-batch and two of half a one every `interval` steps for each task with a dev split. Memory:
    three gradients and P^(−½), 4 D numbers. Dev data decide what is trained on.

    Attributes:
        interval: Steps between two measurements; None for a 25th of `training.max_steps`.
        smoothing: β; 0 for the latest measurement alone.
        strength: κ.
        least: c, the smallest factor on a share before normalisation, at strength 1.
        temperature: T of the first mixture.
        floor: f, below 1/N; None for a tenth of the smallest share of the first mixture, at most 0.001.

    Example:
        >>> method = OwnGap(interval=1, smoothing=0, temperature=1, floor=0)
        >>> state = method.init({"en-az": 1, "en-fr": 1})
        >>> state = method.update(state, torch.tensor([[1.0, 4.0], [3.0, 2.0]], dtype=torch.float64))
        >>> method.probabilities(state, 1).round(6).tolist()
        [0.2, 0.8]
    """

    against: ClassVar[Against] = "own_gap"
    method: Literal["own_gap"] = "own_gap"
    smoothing: float = Field(default=0.7, ge=0, lt=1, allow_inf_nan=False)
    strength: float = Field(default=1.0, gt=0, le=100, allow_inf_nan=False)
    least: float = Field(default=0.1, gt=0, lt=1, allow_inf_nan=False)
    temperature: float = Field(default=5.0, gt=0, le=LARGE, allow_inf_nan=False)
    floor: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False)

    def init(self, sizes: Mapping[str, int]) -> OwnGapState:
        """Return the mixture of temperature sampling.

        Raises:
            ConfigError: If the floor leaves no room on the simplex.
        """
        first = first_logits(sizes, self.temperature)
        unknown = torch.full((len(first), 2), math.nan, dtype=torch.float64)
        return OwnGapState(first, unknown, choose_floor(self.floor, first.exp()))

    def probabilities(self, state: OwnGapState, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities of the class's docstring."""
        brakes = self.strength * self.measure_gaps(state).clamp(self.least, 1).log()
        shares: NDArray[np.float64] = keep_floor((state.first + brakes).softmax(0), state.floor).numpy()
        return shares

    def measure_gaps(self, state: OwnGapState) -> Tensor:
        """Return R, (N,) float64; 1 of a task that is not measured, or whose dev gradient is noise."""
        own, dev = state.products.unbind(1)
        return torch.where(dev > 0, own / dev, torch.ones_like(own))

    def update(self, state: OwnGapState, rewards: Tensor) -> OwnGapState:
        """Return the smoothed products after (N, 2) float64 new ones; NaN for a task without a dev split."""
        smoothed = torch.lerp(rewards, state.products, self.smoothing)
        smoothed = smoothed.where(~state.products.isnan(), rewards).where(~rewards.isnan(), state.products)
        return replace(state, products=smoothed)

    def describe(self, state: OwnGapState) -> dict[str, Any]:
        """Return the Shannon entropy of p in nats."""
        return {"entropy": torch.special.entr(torch.from_numpy(self.probabilities(state, 1))).sum().item()}
