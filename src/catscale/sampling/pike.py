"""PiKE: tasks with large gradients are drawn more, tasks with noisy ones less.

Source: Li, Deng, Zhong, Razaviyayn and Mirrokni, "PiKE: Adaptive Data Mixing for Large-Scale Multi-Task Learning Under
Low Gradient Conflicts", NeurIPS 2025. We read its abstract; the update below is derived here from what it says.

Legend: N tasks; p (N,) probabilities; L mean loss, g_n gradient of task n, μ_n its expectation and s_n / b its variance
in a batch of b sentences; η learning rate of the model; m_n, v_n estimates of ‖μ_n‖² and s_n / b.

Where gradients of tasks do not oppose each other, a step on a batch with p_n b sentences of task n lowers L by about
η Σ p_n ‖μ_n‖², less a term of its noise that grows with Σ p_n s_n / b. A step of mirror descent on p gives

    p_n ← p_n exp(ζ₁ m_n − ½ ζ₂ v_n) / Z
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


@dataclass(frozen=True)
class PiKEState(SamplerState):
    """The learnt state.

    Attributes:
        logits: log p before the floor, (N,) float64.
        floor: f, () float64; never changes.
    """

    logits: Tensor
    floor: Tensor


class PiKE(IntervalSampler):
    """After every `interval` steps, tasks with large gradients gain, and tasks with noisy ones lose.

        p = f + (1 − N f) q,    q_n ← q_n exp(ζ₁ m_n − ½ ζ₂ v_n) / Z        at first q_n ∝ size_n^(1/T)
        m_n = ⟨g_n^a, g_n^b⟩,   v_n = ½ ‖g_n^a − g_n^b‖²                    of two halves of one sub-batch a task

    With `normalised` m, of which the negative are counted as 0, and v are divided by their means over the tasks, so
    that ζ has no unit and a change of the loss's scale changes nothing. It is the mirror image of `cats_sampling`,
    which draws tasks with large products less.

    Differences from the paper: m and v are unbiased, from two independent halves, without dropout; they are normalised;
    a floor keeps every task in the mixture; its extension for balanced learning is not here, for its formula was not
    at hand.

    Cost: 2 N passes of half a sub-batch each every `interval` steps. Memory: 2 gradients, 2 D numbers.

    Attributes:
        interval: Steps between two updates; None for a 25th of `training.max_steps`.
        gain: ζ₁.
        noise: ζ₂; 0 for gradients' sizes alone.
        normalised: Whether m and v are divided by their means over the tasks.
        temperature: T of the first mixture.
        floor: f, below 1/N; None for a tenth of the smallest share of the first mixture, at most 0.001.

    Example:
        >>> method = PiKE(interval=1, normalised=False, floor=0, temperature=1)
        >>> state = method.init({"en-az": 5, "en-be": 3, "en-fr": 2})
        >>> moments = torch.tensor([[1.0, 3.0], [2.0, 2.0], [4.0, 1.0]], dtype=torch.float64)
        >>> method.probabilities(method.update(state, moments), 1).round(5).tolist()
        [0.43595, 0.3039, 0.26015]
    """

    against: ClassVar[Against] = "moments"
    method: Literal["pike"] = "pike"
    gain: float = Field(default=0.1, ge=0, le=1e6, allow_inf_nan=False)
    noise: float = Field(default=0.1, ge=0, le=1e6, allow_inf_nan=False)
    normalised: bool = True
    temperature: float = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)
    floor: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False)

    def init(self, sizes: Mapping[str, int]) -> PiKEState:
        """Return the mixture of temperature sampling.

        Raises:
            ConfigError: If the floor leaves no room on the simplex.
        """
        logits = first_logits(sizes, self.temperature)
        return PiKEState(logits, choose_floor(self.floor, logits.exp()))

    def probabilities(self, state: PiKEState, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities f + (1 − N f) q."""
        shares: NDArray[np.float64] = keep_floor(state.logits.softmax(0), state.floor).numpy()
        return shares

    def update(self, state: PiKEState, rewards: Tensor) -> PiKEState:
        """Return q after one step on (N, 2) float64 moments m and v."""
        squares, variances = rewards.unbind(1)
        if self.normalised:
            squares, variances = _over_mean(squares.clamp(min=0)), _over_mean(variances)
        logits = state.logits + self.gain * squares - self.noise / 2 * variances
        return PiKEState(logits - logits.logsumexp(0), state.floor)

    def describe(self, state: PiKEState) -> dict[str, Any]:
        """Return the Shannon entropy of p in nats."""
        return {"entropy": torch.special.entr(torch.from_numpy(self.probabilities(state, 1))).sum().item()}


def _over_mean(values: Tensor) -> Tensor:
    """Return (N,) values of 0 or more in units of their mean; zeros as they are."""
    mean = values.mean()
    return values / mean if mean > 0 else torch.zeros_like(values)
