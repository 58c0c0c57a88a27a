"""Adaptive data optimisation: tasks whose training loss is predicted to fall fastest are drawn more.

Source: Jiang, Zhou, Feng, Malladi and Kolter, "Adaptive Data Optimization: Dynamic Sample Selection with Scaling Laws",
ICLR 2025; public code: github.com/yidingjiang/ado, `src/data_selectors/ado.py`.

Legend: N tasks; k steps so far, of all tasks together; L_n(k) training loss of task n; a, c, e the parameters of its
scaling law; μ (N,) prior shares, h (N,) running mean of the shares drawn, ρ (N,) preferences, p (N,) probabilities.

    log L̂_n(k) = logsumexp(a_n − c_n log k, e_n)                     L̂ = exp(e) + exp(a) k^(−c)
    s_n = max(c_n, 0.05) (L̂_n − exp(e_n)) / k,       ρ_n ∝ s_n μ_n √h_n,    not below 0.01
    p = 0.9 p̄ + 0.1 ρ,                                p̄ ← the running mean of ρ
"""

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
from catscale.sampling.scaling_law import KEPT, fit_law
from catscale.sampling.temperature import temperature_shares
from catscale.settings import LARGE, STEPS

LEAST_EXPONENT, LEAST_PREFERENCE, LATEST, DECAY = 0.05, 0.01, 0.1, 0.9
"""The least c in s; the least ρ, of at most a half of 1/N; the share of ρ in p; the decay of h per measurement."""
KNOWN = "sampling.interval and sampling.refit"


@dataclass(frozen=True)
class ADOState(SamplerState):
    """The learnt state.

    Attributes:
        prior: μ, (N,) float64; never changes.
        shares: p, (N,) float64.
        mean: p̄, (N,) float64.
        drawn: h, (N,) float64.
        losses: (N, KEPT) float64 measured losses, NaN where there is none.
        law: (N, 3) float64 parameters a, c, e; NaN before the first fit.
        counts: (4,) int64: measurements so far, those kept, the measurements from one that is kept to the next, and the
            values of ρ in p̄.
    """

    prior: Tensor
    shares: Tensor
    mean: Tensor
    drawn: Tensor
    losses: Tensor
    law: Tensor
    counts: Tensor


class ADO(SamplerSettings):
    """Fits a scaling law to the training loss of each task, and draws what falls fastest by it.

    The law is that of the module's docstring, fitted by least Huber distance of log losses (δ = 0.001) within
    0 ≤ c ≤ 0.8 and a ≤ 6.5, from a grid of starts, to the losses after `warm_up`, every `refit` steps. Before the first
    fit p = μ. With μ in ρ the mixture stays near the prior: this is a rival of the T that is given.

    Differences from the paper: a measured loss is the mean over `interval` steps, weighted by tokens, where the code
    smooths the losses of steps and takes every 10th; losses are NLL without label smoothing; exp(e) may be any loss
    above 0.001, where the code keeps it above 1.6 nats, which a translation model's loss falls below; the bounds are
    hard; h and p move once an interval; of more than 512 measurements every second is kept, again and again.

    Cost: none for the model; a fit takes some 20 ms per task.

    Attributes:
        interval: Steps between two measurements; None for a 250th of `training.max_steps`, at most 10.
        warm_up: Steps whose losses are left out; None for a 10th of the training, at most 1,000.
        refit: Steps between two fits; None for a 20th of the training, at most 1,000.
        temperature: T of μ, μ_n ∝ size_n^(1/T); the paper's is in proportion to the data, 1.
    """

    method: Literal["ado"] = "ado"
    interval: int | None = Field(default=None, ge=1, le=STEPS)
    warm_up: int | None = Field(default=None, ge=0, le=STEPS)
    refit: int | None = Field(default=None, ge=1, le=STEPS)
    temperature: float = Field(default=1.0, gt=0, le=LARGE, allow_inf_nan=False)

    def for_training(self, steps: int) -> Self:
        """Return the settings with the numbers of steps that suit a training of `steps` steps."""
        warm_up = min(1000, steps // 10) if self.warm_up is None else self.warm_up
        planned = {
            "interval": self.interval or max(1, min(10, steps // 250)),
            "warm_up": warm_up,
            "refit": self.refit or max(1, min(1000, steps // 20)),
        }
        return self.model_copy(update=planned)

    @property
    def request(self) -> RewardRequest:
        """Training losses after every interval.

        Raises:
            ConfigError: If it is not known.
        """
        return RewardRequest(require_planned(self.interval, KNOWN), "losses")

    def init(self, sizes: Mapping[str, int]) -> ADOState:
        """Return the prior."""
        prior = torch.from_numpy(temperature_shares(list(sizes.values()), self.temperature))
        unknown = torch.full((len(prior), KEPT), float("nan"), dtype=torch.float64)
        law = torch.full((len(prior), 3), float("nan"), dtype=torch.float64)
        counts = torch.tensor([0, 0, 1, 0])
        return ADOState(prior, prior.clone(), torch.zeros_like(prior), prior.clone(), unknown, law, counts)

    def probabilities(self, state: ADOState, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities p."""
        return state.shares.numpy().copy()

    def update(self, state: ADOState, rewards: Tensor) -> ADOState:
        """Return p after an interval; rewards are (N,) float64, NaN for tasks that were not drawn."""
        interval, refit = require_planned(self.interval, KNOWN), require_planned(self.refit, KNOWN)
        state = _keep(state, rewards)
        step = int(state.counts[0]) * interval
        is_due = step > (self.warm_up or 0) and step // refit > (step - interval) // refit
        if is_due:
            state = replace(state, law=self._fit(state, interval))
        if state.law.isnan().any():
            return state
        return _mix(state, step)

    def _fit(self, state: ADOState, interval: int) -> Tensor:
        """Return the laws of all tasks, (N, 3); what was known of a task of too few losses."""
        _, kept, stride, _ = state.counts.tolist()
        steps = (np.arange(kept) * stride + 1.0) * interval
        is_late = steps > (self.warm_up or 0)
        rows = [fit_law(steps[is_late], row[:kept][is_late]) for row in state.losses.numpy()]
        found = torch.from_numpy(np.stack(rows))
        return found.where(~found.isnan(), state.law)

    def describe(self, state: ADOState) -> dict[str, Any]:
        """Return the Shannon entropy of p in nats."""
        return {"entropy": torch.special.entr(state.shares).sum().item()}


def _keep(state: ADOState, rewards: Tensor) -> ADOState:
    """Return the state with one more measurement, and of a full list of losses every second one."""
    seen, kept, stride, means = state.counts.tolist()
    losses = state.losses.clone()
    if seen % stride == 0:
        losses[:, kept] = rewards
        kept += 1
    if kept == KEPT:
        losses = torch.cat([losses[:, ::2], torch.full_like(losses[:, ::2], float("nan"))], 1)
        kept, stride = KEPT // 2, 2 * stride
    return replace(state, losses=losses, counts=torch.tensor([seen + 1, kept, stride, means]))


def _mix(state: ADOState, step: int) -> ADOState:
    """Return the state whose p follows from the laws."""
    a, c, _ = state.law.unbind(1)
    slopes = c.clamp(min=LEAST_EXPONENT) * torch.exp(a - c * np.log(step)) / step  # L̂ − exp(e) = exp(a) k^(−c)
    preferences = slopes * state.prior * state.drawn.sqrt()
    total = preferences.sum()
    preferences = preferences / total if total > 0 else state.prior
    preferences = preferences.clamp(min=min(LEAST_PREFERENCE, 0.5 / len(preferences)))
    preferences = preferences / preferences.sum()
    counts = state.counts.clone()
    counts[3] += 1
    mean = state.mean + (preferences - state.mean) / int(counts[3])
    shares = (1 - LATEST) * mean + LATEST * preferences
    drawn = DECAY * state.drawn + (1 - DECAY) * shares
    return replace(state, shares=shares / shares.sum(), mean=mean, drawn=drawn, counts=counts)
