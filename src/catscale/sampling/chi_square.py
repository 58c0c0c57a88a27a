"""χ²-resampling: the mixture of the worst case within a ball around the data's own.

Source: Zhou, Levy, Li, Ghazvininejad and Neubig, "Distributionally Robust Multilingual Machine Translation", EMNLP
2021; public code: github.com/violet-zct/fairseq-dro-mnmt, `chi_square_resample.py`.

Legend: N tasks; p (N,) shares of the data, q (N,) shares that are drawn; L_n running training loss of task n, b_n its
loss in a run of the usual training (the baseline), v_n excess; ρ radius of the ball, r the least q_n / p_n.

    q = argmax Σ q_n v_n    such that    ½ Σ p_n (q_n / p_n − 1)² ≤ ρ,    q_n ≥ r p_n,    Σ q_n = 1
"""

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
from catscale.sampling.contract import BaselineLoss, RewardRequest, SamplerState
from catscale.sampling.interval_sampler import IntervalSampler
from catscale.sampling.planning import require_planned
from catscale.sampling.temperature import temperature_shares
from catscale.settings import LARGE
from catscale.settings.location import Location

HALVINGS = 60
"""Halvings of an interval: more than a float64 has digits."""


@dataclass(frozen=True)
class ChiSquareState(SamplerState):
    """The learnt state.

    Attributes:
        losses: L, (N,) float64; NaN for a task that was not drawn yet.
        data: p, (N,) float64; never changes.
        shares: q, (N,) float64.
        baselines: b, (N,) float64; never changes.
        moves: () int64, updates of L so far.
    """

    losses: Tensor
    data: Tensor
    shares: Tensor
    baselines: Tensor
    moves: Tensor


class ChiSquare(IntervalSampler):
    """Every `interval` steps, q becomes the worst case for the excess losses within a χ² ball around the data.

        L_n ← (1 − s) L_n + s · the task's loss in a step with it          s = 0.1
        v_n = L_n − b_n;   v_n = L_n where all of these are negative
        q = the maximiser of the module's docstring, then q_n ≥ min p, of sum 1

    Without floors q_n ∝ p_n max(v_n − η, 0): tasks whose loss is furthest above what it could be are drawn more. A
    baseline makes the losses of different languages comparable; without one, b = 0, and a hard language is drawn more
    for being hard. The balancing method `dro` has the same objective as weights on losses.

    Differences from the paper: losses are NLL without label smoothing, so baselines are too; there the mixture changes
    once an epoch of the data, from the second on, here after every `interval` steps, from the second time on; a task
    that was not drawn yet counts with the mean excess of the others.

    Cost: none.

    Attributes:
        interval: Steps between two changes of q; None for a 25th of `training.max_steps`.
        radius: ρ.
        least: r; 0 for none.
        smoothing: s.
        temperature: T of p, p_n ∝ size_n^(1/T); the paper's data shares are T = 1.
        baselines: b by task, nats per target token; a task that is not named has the mean of the others.
        baseline_run: The folder of a run whose latest training losses are the baselines, in place of `baselines`.

    Example:
        >>> p, v = np.array([0.6, 0.3, 0.1]), np.array([1.0, 2.0, 3.0])
        >>> find_worst_case(p, v, radius=0.05, least=0.0).round(6).tolist()
        [0.458579, 0.370711, 0.170711]
    """

    method: Literal["chi_square"] = "chi_square"
    radius: float = Field(default=0.05, gt=0, le=1e6, allow_inf_nan=False)
    least: float = Field(default=0.2, ge=0, lt=1, allow_inf_nan=False)
    smoothing: float = Field(default=0.1, gt=0, le=1, allow_inf_nan=False)
    temperature: float = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)
    baselines: dict[str, BaselineLoss] | None = None
    baseline_run: Location | None = None

    @property
    def compared_run(self) -> Path | None:
        """The run whose training losses are the baselines, unless these are given."""
        return None if self.baselines else self.baseline_run

    def with_baselines(self, train: Mapping[str, float], dev: Mapping[str, float]) -> Self:
        """Return the settings with the training losses of that run as baselines."""
        return self.model_copy(update={"baselines": dict(train), "baseline_run": None})

    @property
    def request(self) -> RewardRequest:
        """Training losses after every step."""
        return RewardRequest(1, "losses")

    def init(self, sizes: Mapping[str, int]) -> ChiSquareState:
        """Return the data's shares.

        Raises:
            ConfigError: If a baseline is of no task, or the run that they come from was not read.
        """
        data = torch.from_numpy(temperature_shares(list(sizes.values()), self.temperature))
        unmeasured = torch.full_like(data, float("nan"))
        return ChiSquareState(unmeasured, data, data.clone(), self._list_baselines(sizes), torch.tensor(0))

    def _list_baselines(self, sizes: Mapping[str, int]) -> Tensor:
        """Return b, (N,) float64.

        Raises:
            ConfigError: If there are none of these tasks.
        """
        if self.compared_run is not None:
            raise ConfigError(
                "sampling.baseline_run is read where a configuration is, which did not happen here; give baselines"
            )
        given = self.baselines or dict.fromkeys(sizes, 0.0)
        known = [given[task] for task in sizes if task in given]
        if not known:
            raise ConfigError(
                f"sampling.baselines must be losses of {', '.join(sizes)}, found those of {', '.join(given)}; give a "
                "number for each"
            )
        return torch.tensor([given.get(task, sum(known) / len(known)) for task in sizes], dtype=torch.float64)

    def probabilities(self, state: ChiSquareState, step: int) -> NDArray[np.float64]:
        """Return the (N,) shares q."""
        return state.shares.numpy().copy()

    def update(self, state: ChiSquareState, rewards: Tensor) -> ChiSquareState:
        """Return L after a step, and q after an interval; rewards are (N,) float64, NaN for tasks not in the step."""
        moved = torch.lerp(state.losses, rewards, self.smoothing)
        losses = moved.where(~moved.isnan(), rewards.where(state.losses.isnan(), state.losses))
        interval, moves = require_planned(self.interval, "sampling.interval"), int(state.moves) + 1
        found = replace(state, losses=losses, moves=torch.tensor(moves))
        is_due = moves % interval == 0 and moves >= 2 * interval
        return replace(found, shares=self._resample(found)) if is_due else found

    def _resample(self, state: ChiSquareState) -> Tensor:
        excess = state.losses - state.baselines
        seen = ~excess.isnan()
        if not seen.any():
            return state.shares
        if (excess[seen] < 0).all():
            excess = state.losses
        excess = excess.where(seen, excess[seen].mean())
        found = find_worst_case(state.data.numpy(), excess.numpy(), self.radius, self.least)
        found = np.maximum(found, float(state.data.min()))
        return torch.from_numpy(found / found.sum())

    def describe(self, state: ChiSquareState) -> dict[str, Any]:
        """Return the Shannon entropy of q in nats."""
        return {"entropy": torch.special.entr(state.shares).sum().item()}


def find_worst_case(
    data: NDArray[np.float64], excess: NDArray[np.float64], radius: float, least: float
) -> NDArray[np.float64]:
    """Return the q of the module's docstring.

    The ratio is q_n / p_n = max(r, 1 + (v_n − η) / λ): the smaller λ, the further from the data. λ is found by halving
    an interval of its logarithm, η for each λ by halving one of its values. Where even all of the room above the floors
    for the largest v stays within the radius, that is the answer.

    Args:
        data: p, (N,), all above 0.
        excess: v, (N,).
        radius: ρ.
        least: r, below 1.

    Returns:
        (N,) shares of sum 1.
    """
    spread = float(np.ptp(excess))
    if spread == 0 or len(data) == 1:
        return data.copy()
    low, high = np.log(1e-9 * spread), np.log(1e9 * spread)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        ratio = _ratios(data, excess, float(np.exp(middle)), least)
        is_far = float(data @ (ratio - 1) ** 2) / 2 > radius
        low, high = (middle, high) if is_far else (low, middle)
    shares: NDArray[np.float64] = data * _ratios(data, excess, float(np.exp(high)), least)
    shares /= shares.sum()
    return shares


def _ratios(data: NDArray[np.float64], excess: NDArray[np.float64], scale: float, least: float) -> NDArray[np.float64]:
    """Return max(r, 1 + (v − η) / λ), (N,), for the η where its mean under p is 1."""
    low, high = float(excess.min()), float(excess.max()) + scale
    ratio = np.maximum(least, 1 + (excess - low) / scale)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        ratio = np.maximum(least, 1 + (excess - middle) / scale)
        low, high = (middle, high) if data @ ratio > 1 else (low, middle)
    return ratio
