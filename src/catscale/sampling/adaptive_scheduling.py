"""Adaptive scheduling: tasks that are far below what a model of their own reaches are drawn more.

Source: the idea is that of Jean, Firat and Johnson, "Adaptive Scheduling for Multi-Task Learning", 2019, whose abstract
we read: tasks with results poorer than their baselines are over-sampled. Formula and score are ours; theirs is BLEU.

Legend: N tasks; p (N,) probabilities; D_n smoothed validation NLL of task n, b_n that of the baseline; α power, c the
largest factor, f floor.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from catscale.errors import ConfigError
from catscale.sampling.contract import BaselineLoss, RewardRequest, SamplerSettings, SamplerState
from catscale.sampling.planning import choose_floor, first_logits, keep_floor
from catscale.settings import LARGE
from catscale.settings.location import Location


@dataclass(frozen=True)
class AdaptiveSchedulingState(SamplerState):
    """The learnt state.

    Attributes:
        first: log p of the first mixture, (N,) float64; never changes.
        baselines: b, (N,) float64; NaN of a task that has none; never changes.
        losses: D, (N,) float64; NaN before the first validation, and of a task without a dev split.
        floor: f, () float64; never changes.
    """

    first: Tensor
    baselines: Tensor
    losses: Tensor
    floor: Tensor


class AdaptiveScheduling(SamplerSettings):
    """After every validation, a task is drawn the more, the further it is above its baseline's dev loss.

        p = f + (1 − N f) softmax(log size_n / T + min(α max(D_n − b_n, 0), log c))

    exp(b_n − D_n) is the likelihood of a target token in relation to the baseline's, so that the factor on a task's
    share is that ratio's inverse to the power of α, at most c (`most`); a task that has reached its baseline has its
    first share. A task without a baseline or a dev split keeps it too.

    Cost: none beyond the baselines, which are runs of their own: one with a single direction each.

    Attributes:
        baselines: b by task, nats per target token.
        baseline_run: The folder of a run whose lowest validation losses are the baselines, in place of `baselines`.
        power: α.
        most: c.
        smoothing: β of D ← β D + (1 − β) · the latest.
        temperature: T of the first mixture.
        floor: f, below 1/N; None for a tenth of the smallest share of the first mixture, at most 0.001.

    Example:
        >>> method = AdaptiveScheduling(baselines={"en-az": 2.0, "en-fr": 2.0}, temperature=1, floor=0)
        >>> state = method.init({"en-az": 1, "en-fr": 1})
        >>> state = method.update(state, torch.tensor([2.0 + math.log(3), 1.5], dtype=torch.float64))
        >>> method.probabilities(state, 1).round(4).tolist()
        [0.75, 0.25]
    """

    method: Literal["adaptive_scheduling"] = "adaptive_scheduling"
    baselines: dict[str, BaselineLoss] | None = None
    baseline_run: Location | None = None
    power: float = Field(default=1.0, gt=0, le=1e6, allow_inf_nan=False)
    most: float = Field(default=10.0, gt=1, le=1e6, allow_inf_nan=False)
    smoothing: float = Field(default=0.0, ge=0, lt=1, allow_inf_nan=False)
    temperature: float = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)
    floor: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False)

    @property
    def compared_run(self) -> Path | None:
        """The run whose validation losses are the baselines, unless these are given."""
        return None if self.baselines else self.baseline_run

    def with_baselines(self, train: Mapping[str, float], dev: Mapping[str, float]) -> Self:
        """Return the settings with the validation losses of that run as baselines."""
        return self.model_copy(update={"baselines": dict(dev), "baseline_run": None})

    @property
    def request(self) -> RewardRequest:
        """Dev losses at each validation."""
        return RewardRequest(1, "dev_losses")

    def init(self, sizes: Mapping[str, int]) -> AdaptiveSchedulingState:
        """Return the mixture of temperature sampling.

        Raises:
            ConfigError: If there is no baseline of these tasks, or the floor leaves no room on the simplex.
        """
        given = self.baselines or {}
        if not any(task in given for task in sizes):
            raise ConfigError(
                f"sampling.baselines must be the dev losses of models of single tasks, of {', '.join(sizes)}, found "
                f"{', '.join(given) or 'none'}; give baselines, or baseline_run in a configuration"
            )
        baselines = torch.tensor([given.get(task, math.nan) for task in sizes], dtype=torch.float64)
        first = first_logits(sizes, self.temperature)
        unknown = torch.full_like(first, math.nan)
        return AdaptiveSchedulingState(first, baselines, unknown, choose_floor(self.floor, first.exp()))

    def probabilities(self, state: AdaptiveSchedulingState, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities of the class's docstring."""
        above = (state.losses - state.baselines).clamp(min=0).nan_to_num(0.0)
        logits = state.first + (self.power * above).clamp(max=math.log(self.most))
        shares: NDArray[np.float64] = keep_floor(logits.softmax(0), state.floor).numpy()
        return shares

    def update(self, state: AdaptiveSchedulingState, rewards: Tensor) -> AdaptiveSchedulingState:
        """Return D after a validation; rewards are (N,) float64, NaN for a task without a dev split."""
        losses = torch.lerp(rewards, state.losses, self.smoothing) if self.smoothing else rewards
        losses = losses.where(~state.losses.isnan(), rewards).where(~rewards.isnan(), state.losses)
        return replace(state, losses=losses)

    def describe(self, state: AdaptiveSchedulingState) -> dict[str, Any]:
        """Return the Shannon entropy of p in nats."""
        return {"entropy": torch.special.entr(torch.from_numpy(self.probabilities(state, 1))).sum().item()}
