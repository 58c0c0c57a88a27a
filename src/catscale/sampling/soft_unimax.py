"""Soft UniMax: what repetition is worth decides how much of each task is drawn, and the low-resource tasks come last.

Source: ours. The worth of repeated data is that of Muennighoff et al., "Scaling Data-Constrained Language Models",
2023.

Legend: N tasks; U_n target tokens of task n, d_n tokens that the training draws of it, D their sum; R the epochs after
which repeating is worth little; β the exponent of the loss; u = t / steps the part of the training that is over.

    D'(d) = d for d ≤ U,    U (1 + R (1 − exp(−(d/U − 1)/R))) beyond        tokens that d of them are worth
    d* = argmax −Σ_n D'_n(d_n)^(−β)    such that Σ d_n = D
    shares of the tokens at u:  p_n(u) ∝ exp((1 − u) log U_n + u ψ_n),    ψ such that their mean over u is d*_n / D
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from catscale.sampling.contract import SamplerState, StaticSampler
from catscale.sampling.token_budget import Length, choose_lengths, count_budget
from catscale.settings import STEPS

HALVINGS = 80
GRID = 200
"""Places of u that the mean over a training is taken over."""
ROUNDS = 2000
"""The most corrections of ψ."""
CLOSE = 1e-10
"""The difference of log-shares at which ψ is found."""


@dataclass(frozen=True)
class SoftUniMaxState(SamplerState):
    """The ends of the course that the shares take.

    Attributes:
        first: log U, (N,) float64.
        last: ψ, (N,) float64.
        lengths: (N,) float64, mean target tokens of a pair.
    """

    first: Tensor
    last: Tensor
    lengths: Tensor


class SoftUniMax(StaticSampler):
    """The mixture of the module's docstring: no temperature, no cap, low-resource tasks late; cost: none.

    Where the training is shorter than the data's epoch d* is equal for all, as UniMax's; the longer it is, the less is
    drawn of a task that has been repeated R times and more. It begins with the proportions of the data, and what the
    low-resource tasks are given is drawn late, so that little of the training follows upon their memorisation.

    Attributes:
        exponent: β.
        repeats: R.
        steps: Updates of the training; None for `training.max_steps`.
        step_tokens: Target tokens of an update; None for those of the training. Without `lengths` it is pairs.
        lengths: Mean target tokens of a pair by task; None for those of the data. Outside a training, None counts
            pairs.
    """

    method: Literal["soft_unimax"] = "soft_unimax"
    exponent: float = Field(default=0.3, gt=0, le=100, allow_inf_nan=False)
    repeats: float = Field(default=4.0, gt=0, le=1e6, allow_inf_nan=False)
    steps: int | None = Field(default=None, ge=1, le=STEPS)
    step_tokens: float | None = Field(default=None, gt=0, le=1e12, allow_inf_nan=False)
    lengths: dict[str, Length] | None = None

    def for_training(self, steps: int) -> Self:
        """Return the settings with the number of updates of the training."""
        return self.model_copy(update={"steps": self.steps or steps})

    def for_data(self, lengths: Mapping[str, float], step_tokens: float) -> Self:
        """Return the settings with the tokens of the data's pairs and of an update."""
        found = {"lengths": self.lengths or dict(lengths), "step_tokens": self.step_tokens or step_tokens}
        return self.model_copy(update=found)

    def init(self, sizes: Mapping[str, int]) -> SoftUniMaxState:
        """Return log U and ψ.

        Raises:
            ConfigError: If the budget is not known, or the length of a task's pairs.
        """
        budget = count_budget(self.method, self.steps, self.step_tokens)
        lengths = choose_lengths(self.lengths, sizes)
        tokens = np.array([size * lengths[task] for task, size in sizes.items()], dtype=np.float64)
        budgets = soft_budgets(tokens, budget, self.exponent, self.repeats)
        last = find_last(np.log(tokens), budgets / budgets.sum())
        per_pair = torch.tensor([lengths[task] for task in sizes], dtype=torch.float64)
        return SoftUniMaxState(torch.from_numpy(np.log(tokens)), torch.from_numpy(last), per_pair)

    def probabilities(self, state: SoftUniMaxState, step: int) -> NDArray[np.float64]:
        """Return the (N,) shares of the sentence pairs at a step; after the last one they stay."""
        part = min(max((step - 0.5) / (self.steps or 1), 0.0), 1.0)
        pairs = ((1 - part) * state.first + part * state.last).softmax(0) / state.lengths
        shares: NDArray[np.float64] = (pairs / pairs.sum()).numpy()
        return shares


def soft_budgets(sizes: NDArray[np.float64], budget: float, exponent: float, repeats: float) -> NDArray[np.float64]:
    """Return d* of the module's docstring, (N,), by halving intervals of the marginal worth and of log d.

    The objective is concave with a slope that falls in every d_n, so that all slopes are equal at its maximum.

    Args:
        sizes: U, (N,).
        budget: D.
        exponent: β.
        repeats: R.

    Example:
        >>> soft_budgets(np.array([100.0, 1000.0]), 150, 0.3, 4).round(3).tolist()
        [75.0, 75.0]
    """

    def log_slope(log_drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        beyond = np.maximum(np.exp(np.minimum(log_drawn - np.log(sizes), 700)) - 1, 0) / repeats
        worth = np.where(beyond > 0, sizes * (1 + repeats * -np.expm1(-beyond)), np.exp(log_drawn))
        slope: NDArray[np.float64] = -(exponent + 1) * np.log(worth) - beyond
        return slope

    def drawn_at(level: float) -> NDArray[np.float64]:
        low, high = np.full(len(sizes), -50.0), np.full(len(sizes), np.log(budget))
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            is_above = log_slope(middle) > level
            low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
        drawn: NDArray[np.float64] = np.exp((low + high) / 2)
        return drawn

    lowest = float(log_slope(np.full(len(sizes), np.log(budget))).min()) - 1
    highest = float(log_slope(np.full(len(sizes), -50.0)).max())
    for _ in range(HALVINGS):
        middle = (lowest + highest) / 2
        lowest, highest = (middle, highest) if drawn_at(middle).sum() > budget else (lowest, middle)
    found = drawn_at((lowest + highest) / 2)
    found *= budget / found.sum()
    return found


def find_last(first: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ψ, (N,), for which the mean over u of softmax((1 − u) log U + u ψ) is the target.

    Args:
        first: log U, (N,).
        target: (N,) shares of sum 1.
    """
    places = ((np.arange(GRID) + 0.5) / GRID)[:, None]
    last = first.copy()
    for _ in range(ROUNDS):
        logits = (1 - places) * first + places * last
        shares = np.exp(logits - logits.max(1, keepdims=True))
        mean = (shares / shares.sum(1, keepdims=True)).mean(0)
        missing = np.log(target) - np.log(mean)
        if np.abs(missing).max() < CLOSE:
            break
        last = last + missing
    found: NDArray[np.float64] = last - last.max()
    return found
