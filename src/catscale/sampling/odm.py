"""Online data mixing: a bandit draws what has a high training loss.

Source: Albalak, Pan, Raffel and Wang, "Efficient Online Data Mixing For Language Model Pre-Training", 2023; public
code: github.com/alon-albalak/online-data-mixing, `megatron/data/data_sampling_utils.py`.

Legend: N tasks; p (N,) probabilities; r_n training loss of task n in a step, Ŝ (N,) sums of estimated rewards, t number
of the step, ε share of exploration.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from catscale.sampling.contract import RewardRequest, SamplerSettings, SamplerState
from catscale.sampling.planning import require_planned
from catscale.sampling.temperature import temperature_shares
from catscale.settings import LARGE, STEPS

SCALE = 10.0
"""The divisor of a loss, as in the public code."""
WARM_UP, PART_OF_TRAINING = 2000, 10
"""The warm-up that is not given: at most 2,000 steps, and at most a 10th of the training."""


@dataclass(frozen=True)
class ODMState(SamplerState):
    """The learnt state.

    Attributes:
        shares: p, (N,) float64.
        rewards: Ŝ, (N,) float64.
        explored: ε of the latest change, () float64; 1/N before the first.
        steps: t, () int64.
    """

    shares: Tensor
    rewards: Tensor
    explored: Tensor
    steps: Tensor


class ODM(SamplerSettings):
    """After every step, p is that of Exp3, with the training losses as rewards.

        Ŝ_n ← Ŝ_n + (r_n / 10) / p_n                                 of the tasks in the step
        ε' = ε of the step before, 1/N at first,   ε = min(1/N, √(ln N / (N t)))
        p_n ∝ (1 − N ε) exp(ε' Ŝ_n) / Σ exp(ε' Ŝ) + ε

    Until t > `warm_up` the shares are those of temperature sampling, and nothing is added up. Ŝ does not decay, while
    ε' falls with 1/√t. A task with a small p has few rewards, each large; a memorised task has a small loss and is
    drawn less.

    Differences from the paper: losses are NLL without label smoothing; a step holds several tasks, each of which counts
    with the mean of its tokens.

    Cost: none.

    Attributes:
        warm_up: Steps before the first change; None for a 10th of `training.max_steps`, at most 2,000, the paper's.
        temperature: T of the shares until then.

    Example:
        >>> method = ODM(warm_up=0, temperature=1)
        >>> state = replace(method.init({"en-az": 1, "en-be": 1, "en-fr": 1}), steps=torch.tensor(99))
        >>> losses = torch.tensor([2.0, 3.0, 4.0], dtype=torch.float64)
        >>> method.probabilities(method.update(state, losses), 101).round(5).tolist()
        [0.30655, 0.33243, 0.36102]
    """

    method: Literal["odm"] = "odm"
    warm_up: int | None = Field(default=None, ge=0, le=STEPS)
    temperature: float = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)

    def for_training(self, steps: int) -> Self:
        """Return the settings with the warm-up that suits a training of `steps` steps."""
        planned = min(WARM_UP, steps // PART_OF_TRAINING) if self.warm_up is None else self.warm_up
        return self.model_copy(update={"warm_up": planned})

    @property
    def request(self) -> RewardRequest:
        """Training losses after every step."""
        return RewardRequest(1, "losses")

    def init(self, sizes: Mapping[str, int]) -> ODMState:
        """Return the shares of temperature sampling."""
        shares = torch.from_numpy(temperature_shares(list(sizes.values()), self.temperature))
        explored = torch.tensor(1 / len(shares), dtype=torch.float64)
        return ODMState(shares, torch.zeros_like(shares), explored, torch.tensor(0))

    def probabilities(self, state: ODMState, step: int) -> NDArray[np.float64]:
        """Return the (N,) shares p."""
        return state.shares.numpy().copy()

    def update(self, state: ODMState, rewards: Tensor) -> ODMState:
        """Return p after a step; rewards are (N,) float64, NaN for tasks not in the step."""
        steps = int(state.steps) + 1
        if steps <= require_planned(self.warm_up, "sampling.warm_up"):
            return replace(state, steps=torch.tensor(steps))
        sums = state.rewards + rewards.nan_to_num(0.0) / SCALE / state.shares
        count = len(sums)
        explored = explore(count, steps)
        shares = (1 - count * explored) * (state.explored * sums).softmax(0) + explored
        now = torch.tensor(explored, dtype=torch.float64)
        return ODMState(shares / shares.sum(), sums, now, torch.tensor(steps))

    def describe(self, state: ODMState) -> dict[str, Any]:
        """Return the Shannon entropy of p in nats."""
        return {"entropy": torch.special.entr(state.shares).sum().item()}


def explore(count: int, step: int) -> float:
    """Return ε = min(1/N, √(ln N / (N t))).

    Args:
        count: N.
        step: t, from 1.

    Example:
        >>> explore(3, 1)
        0.3333333333333333
    """
    return min(1 / count, math.sqrt(math.log(count) / (count * step)))
