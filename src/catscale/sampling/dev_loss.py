"""A mixture that reads the dev losses: a task is drawn less once its dev loss has turned, more while it falls.

Source: ours. Legend: N tasks; p (N,) probabilities; D_n smoothed validation NLL of task n; ψ (N,) log factors on the
first mixture; η rate, β smoothing, c the largest log factor, f floor.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from catscale.sampling.contract import RewardRequest, SamplerSettings, SamplerState
from catscale.sampling.planning import choose_floor, first_logits, keep_floor
from catscale.settings import LARGE


@dataclass(frozen=True)
class DevLossState(SamplerState):
    """The learnt state.

    Attributes:
        first: log p of the first mixture, (N,) float64; never changes.
        factors: ψ, (N,) float64, between −c and c.
        losses: D, (N,) float64; NaN before the first validation, and of a task without a dev split.
        floor: f, () float64; never changes.
    """

    first: Tensor
    factors: Tensor
    losses: Tensor
    floor: Tensor


class DevLoss(SamplerSettings):
    """After every validation, tasks whose dev loss falls are drawn more, those whose dev loss rises less.

        D_n ← β D_n + (1 − β) · the validation NLL                   D_n' the value before
        t_n = (D_n' − D_n) / D_n'                                    relative fall, negative where the loss has turned
        ψ_n ← clip(ψ_n + η clip(t_n / mean |t|, −1, 1), −c, c)       c = log `most`
        p = f + (1 − N f) softmax(log size_n / T + ψ_n)

    A task that is memorised is one whose training loss goes on falling while its dev loss rises: more draws do it no
    good, whatever its gradient says. Falls are measured in units of their mean over the tasks, so that η has no unit,
    and by 1 at most, so that one noisy validation does not decide; the first validation only begins the record. Where
    all fall alike, nothing changes.

    Cost: none; validations are made anyway. Dev data decide what is trained on, so that the dev NLL of such a run is a
    little flattered.

    Attributes:
        rate: η.
        smoothing: β; 0 for the latest validation alone.
        most: The largest factor, and the inverse of the smallest, on a share before normalisation.
        temperature: T of the first mixture.
        floor: f, below 1/N; None for a tenth of the smallest share of the first mixture, at most 0.001.

    Example:
        >>> method = DevLoss(rate=0.5, smoothing=0, temperature=1, floor=0)
        >>> state = method.init({"en-az": 1, "en-fr": 1})
        >>> for row in ([4.0, 4.0], [5.0, 3.0]):
        ...     state = method.update(state, torch.tensor(row, dtype=torch.float64))
        >>> state.factors.tolist()
        [-0.5, 0.5]
    """

    method: Literal["dev_loss"] = "dev_loss"
    rate: float = Field(default=0.3, gt=0, le=1e6, allow_inf_nan=False)
    smoothing: float = Field(default=0.5, ge=0, lt=1, allow_inf_nan=False)
    most: float = Field(default=10.0, gt=1, le=1e6, allow_inf_nan=False)
    temperature: float = Field(default=5.0, gt=0, le=LARGE, allow_inf_nan=False)
    floor: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False)

    @property
    def request(self) -> RewardRequest:
        """Dev losses at each validation."""
        return RewardRequest(1, "dev_losses")

    def init(self, sizes: Mapping[str, int]) -> DevLossState:
        """Return the mixture of temperature sampling.

        Raises:
            ConfigError: If the floor leaves no room on the simplex.
        """
        first = first_logits(sizes, self.temperature)
        unknown = torch.full_like(first, float("nan"))
        return DevLossState(first, torch.zeros_like(first), unknown, choose_floor(self.floor, first.exp()))

    def probabilities(self, state: DevLossState, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities of the module's docstring."""
        shares: NDArray[np.float64] = keep_floor((state.first + state.factors).softmax(0), state.floor).numpy()
        return shares

    def update(self, state: DevLossState, rewards: Tensor) -> DevLossState:
        """Return ψ after a validation; rewards are (N,) float64, NaN for a task without a dev split."""
        losses = torch.lerp(rewards, state.losses, self.smoothing)
        losses = losses.where(~state.losses.isnan(), rewards).where(~rewards.isnan(), state.losses)
        falls = (state.losses - losses) / state.losses.abs()
        falls = falls.where(falls.isfinite(), torch.zeros_like(falls))
        measured = ~state.losses.isnan() & ~rewards.isnan()
        unit = falls[measured].abs().mean() if measured.any() else torch.tensor(0.0)
        moves = (falls / unit).clamp(-1, 1) if unit > 0 else torch.zeros_like(falls)
        limit = math.log(self.most)
        return replace(state, losses=losses, factors=(state.factors + self.rate * moves).clamp(-limit, limit))

    def describe(self, state: DevLossState) -> dict[str, Any]:
        """Return the Shannon entropy of p in nats."""
        return {"entropy": torch.special.entr(torch.from_numpy(self.probabilities(state, 1))).sum().item()}
