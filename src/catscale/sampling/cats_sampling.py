"""CATS through the sampler: the weights that descend on the curvature are the mixture that is trained on.

Source: the objective is that of Li and Gong, "Robust Optimization for Multilingual Translation with Imbalanced Data",
NeurIPS 2021, Eq. 3; how it is descended and what α does are ours.

Legend: N tasks; ψ (N,) logits, p (N,) probabilities; a (N,) shares of the target tokens that follow from p; g_n
gradient of task n's mean loss, c = Σ a_n g_n, G_ij = ⟨g_i, g_j⟩; η the learning rate, f the floor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from catscale.sampling.contract import RewardRequest, SamplerSettings, SamplerState
from catscale.sampling.planning import choose_floor, keep_floor, plan_interval, require_planned
from catscale.settings import LARGE, STEPS

DISTANCE = 4.0
"""Sum of η over the updates of a training."""
KNOWN = "sampling.interval and sampling.learning_rate"
LONGEST = 1.0
"""The most that a log-probability moves in one update, before normalisation."""


@dataclass(frozen=True)
class CATSSamplingState(SamplerState):
    """The learnt state.

    Attributes:
        logits: ψ, (N,) float64.
        floor: f, () float64; never changes.
    """

    logits: Tensor
    floor: Tensor


class CATSSampling(SamplerSettings):
    """Learns the mixture: after every `interval` steps, p descends on the curvature αᵀGα of the mixture's loss.

        p = f + (1 − N f) softmax(ψ)                         at first about p_n ∝ size_n^(1/T)
        R_n = ⟨g_n, c⟩ / max(‖c‖², Σ a_j² ‖g_j‖²)            of one sub-batch a task
        ψ_n ← ψ_n − η (R_n − Σ p_j R_j)                      by 1 at most

    R is ½ ∂(aᵀGa)/∂a, in units of the curvature itself, or of what it would be were no gradients opposed. So this is
    exponentiated gradient descent (Kivinen and Warmuth, 1997) over the simplex, and its fixed points are those of the
    objective: all R_n with a_n > 0 are equal, others not smaller. Log-probabilities move evenly, as along a path of
    temperatures.

    With `unit_length` every g_n is divided by its norm, as some multi-task methods do before they look for the shortest
    combination. G then is the matrix of cosines, and a task that was memorised, or not learnt yet, draws or repels no
    weight by the size of its gradient alone. Where batches are small, cosines are near 0 and the least curvature near
    equal shares: p moves from the data's proportions towards them in the course of the training.

    Differences from the paper: α is realised by sampling, Σ α_n g_n is the expectation of a plain step; the simplex is
    kept exactly, and there is no bound ε_c and no multiplier; α begins at the proportions of the data, not at equal
    weights, and moves slowly; gradients have unit length; G is that of a mini-batch of its own, over all tasks,
    without dropout.

    Cost: N passes of one sub-batch each every `interval` steps. Memory: N gradients, N · D numbers.

    Attributes:
        interval: Steps between two updates of ψ; None for a 25th of `training.max_steps`.
        learning_rate: η; None for a sum of 4 over the training, interval · 4 / `training.max_steps`.
        temperature: T of the first mixture.
        unit_length: Whether g_n is divided by its norm.
        split: The split that the gradients are taken on: "train", as in the paper, or "dev", of tasks that have a dev
            split.
        floor: f, below 1/N; None for a tenth of the smallest share of the first mixture, at most 0.001: so the first
            mixture's ratios are kept to a tenth, however many tasks there are.
    """

    method: Literal["cats_sampling"] = "cats_sampling"
    interval: int | None = Field(default=None, ge=1, le=STEPS)
    learning_rate: float | None = Field(default=None, gt=0, le=1e6, allow_inf_nan=False)
    temperature: float = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)
    unit_length: bool = True
    split: Literal["train", "dev"] = "train"
    floor: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False)

    def for_training(self, steps: int) -> Self:
        """Return the settings with the interval and the rate that suit a training of `steps` steps."""
        interval = self.interval or plan_interval(steps)
        rate = self.learning_rate or DISTANCE * interval / max(steps, interval)
        return self.model_copy(update={"interval": interval, "learning_rate": rate})

    @property
    def request(self) -> RewardRequest:
        """Products with the mixture's gradient after every interval.

        Raises:
            ConfigError: If the interval is not known.
        """
        return RewardRequest(require_planned(self.interval, KNOWN), "mixture", self.split, self.unit_length)

    def init(self, sizes: Mapping[str, int]) -> CATSSamplingState:
        """Return the ψ of temperature sampling.

        Raises:
            ConfigError: If the floor leaves no room on the simplex.
        """
        logits = torch.tensor(list(sizes.values()), dtype=torch.float64).log() / self.temperature
        return CATSSamplingState(logits, choose_floor(self.floor, logits.softmax(0)))

    def probabilities(self, state: CATSSamplingState, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities f + (1 − N f) softmax(ψ)."""
        shares: NDArray[np.float64] = keep_floor(state.logits.softmax(0), state.floor).numpy()
        return shares

    def update(self, state: CATSSamplingState, rewards: Tensor) -> CATSSamplingState:
        """Return ψ after one step on (N,) float64 products R.

        Raises:
            ConfigError: If the learning rate is not known.
        """
        rate = require_planned(self.learning_rate, KNOWN)
        mean = torch.from_numpy(self.probabilities(state, 1)) @ rewards
        logits = state.logits - (rate * (rewards - mean)).clamp(-LONGEST, LONGEST)
        return CATSSamplingState(logits - logits.logsumexp(0), state.floor)

    def describe(self, state: CATSSamplingState) -> dict[str, Any]:
        """Return the Shannon entropy of p in nats."""
        return {"entropy": torch.special.entr(torch.from_numpy(self.probabilities(state, 1))).sum().item()}
