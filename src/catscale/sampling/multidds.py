"""MultiDDS and MultiDDS-S: the sampling distribution learns from the alignment of gradients.

Source: Wang, Tsvetkov and Neubig, "Balancing Training for Multilingual Neural Machine Translation", 2020, Algorithm 1
and Section 4.2; public code: github.com/cindyxinyiwang/multiDDS.
Legend: N tasks, M ≤ N of them with a dev split; ψ (N,) logits, p = softmax(ψ) (N,); g_n training gradient and d_j
validation gradient of one sub-batch each, R_n reward, η learning rate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from catscale.sampling.contract import RewardRequest, SamplerSettings, SamplerState
from catscale.settings import LARGE, STEPS


@dataclass(frozen=True)
class MultiDDSState(SamplerState):
    """The learnt state.

    Attributes:
        logits: ψ, (N,) float64; their sum never changes.
    """

    logits: Tensor


class MultiDDS(SamplerSettings):
    """Learns p = softmax(ψ): after every `interval` steps, tasks whose gradients serve the dev sets are drawn more.

        R_n = cos(g_n, Σ_j d_j)                MultiDDS
        R_n = 1/M Σ_j cos(g_n, d_j)            MultiDDS-S, stabilised
        R_n = mean entropy of the predictions   `reward: uncertainty`, on one dev sub-batch of task n
        ψ ← ψ + η Σ_n R_n ∇_ψ log p_n  =  ψ + η (R − p Σ_n R_n)

    Where rewards are positive and constant, the objective Σ_n R_n log p_n is concave and p tends to R / Σ R: a task is
    drawn in proportion to its reward, and equal rewards lead to uniform sampling. While Σ R < 0 there is no such limit,
    and p runs towards one task. The sum is not weighted by p_n, as the gradient of the expected reward E_p[R] would be;
    with `scale_reward` (an option of the public code too) it is:

        ψ ← ψ + η p ⊙ (R − Σ_n p_n R_n)        and p tends to the task of the highest reward alone.

    Differences from the paper: ψ takes one plain gradient step, as Algorithm 1 is written, where the public code takes
    200 of Adam at 1e-4, which hides the rewards' sizes; MultiDDS measures d_j at θ itself, not after one step on g_n
    (N passes instead of N², and the step of the public code adds the gradient instead of subtracting it); gradients
    are taken without dropout. The paper's interval is an amount of data, its code's 1,000 steps.

    With `reward: uncertainty` it is MultiUAT (Wu, Li, Zhang, Li, Haffari and Liu, "Uncertainty-Aware Balancing for
    Multilingual and Multi-Domain Neural Machine Translation Training", EMNLP 2021) in one of its forms: R_n is the
    model's uncertainty about the dev data of task n, the entropy of its prediction in nats, mean over the target
    tokens, with the reference before them and without dropout (the paper has measures of sentences, and estimates by
    dropout). A task without a dev split has the mean reward of the others. Cost: M forward passes of one sub-batch.

    Cost: N training and M validation passes of one sub-batch each every `interval` steps. Memory: the validation
    gradients, M · D numbers (D when not stabilised), and one training gradient.

    Attributes:
        stabilised: MultiDDS-S; false for MultiDDS.
        interval: Steps between two updates of ψ.
        learning_rate: η; our choice, not tuned.
        temperature: ψ starts at p_n ∝ size_n^(1/T); the paper's 1 is in proportion to the data.
        reward: "cosine" of gradients, or "uncertainty".
        scale_reward: Weight each reward by p_n, which makes the update the gradient of the expected reward.
    """

    method: Literal["multidds"] = "multidds"
    stabilised: bool = True
    interval: int = Field(default=100, ge=1, le=STEPS)
    learning_rate: float = Field(default=0.1, gt=0, le=1e6, allow_inf_nan=False)
    temperature: float = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)
    scale_reward: bool = False
    reward: Literal["cosine", "uncertainty"] = "cosine"

    @property
    def request(self) -> RewardRequest:
        """Rewards after every interval."""
        if self.reward == "uncertainty":
            return RewardRequest(self.interval, "uncertainty")
        return RewardRequest(self.interval, "each" if self.stabilised else "mean")

    def init(self, sizes: Mapping[str, int]) -> MultiDDSState:
        """Return the ψ of temperature sampling."""
        return MultiDDSState(torch.tensor(list(sizes.values()), dtype=torch.float64).log() / self.temperature)

    def probabilities(self, state: MultiDDSState, step: int) -> NDArray[np.float64]:
        """Return the (N,) softmax(ψ)."""
        shares: NDArray[np.float64] = state.logits.softmax(0).numpy()
        return shares

    def update(self, state: MultiDDSState, rewards: Tensor) -> MultiDDSState:
        """Return ψ after one gradient step on (N,) float64 rewards, NaN for a task that has none."""
        rewards = rewards.where(~rewards.isnan(), rewards.nanmean())
        if rewards.isnan().any():
            return state
        p = state.logits.softmax(0)
        direction = p * (rewards - p @ rewards) if self.scale_reward else rewards - p * rewards.sum()
        return MultiDDSState(state.logits + self.learning_rate * direction)

    def describe(self, state: MultiDDSState) -> dict[str, Any]:
        """Return the Shannon entropy of p in nats."""
        return {"entropy": torch.special.entr(state.logits.softmax(0)).sum().item()}
