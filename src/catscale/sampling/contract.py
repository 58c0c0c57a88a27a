"""The contract between a sampler and the training loop: state → probabilities over tasks, rewards → state.

A sampler is a frozen group of settings and a few functions of what it is shown; it never sees the model:

    init(sizes) -> state
    probabilities(state, step) -> (N,) shares of the sentence pairs that step number `step` draws from
    request -> which rewards it wants, and how often; None for never
    update(state, rewards) -> state

Legend: N tasks, in the order of `sizes`; p_n probability and R_n reward of task n; g_n gradient of task n's loss, g_n^a
and g_n^b those of two halves of a sub-batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from catscale.sampling.replay import REPLAY
from catscale.settings import LARGE, Settings

Against = Literal["each", "mean", "mixture", "others", "moments", "own_gap", "uncertainty", "losses", "dev_losses"]
Reward = float | tuple[float, float]
"""The reward of a task; with "moments" and "own_gap" it is a pair."""
BaselineLoss = Annotated[float, Field(ge=0, le=LARGE, allow_inf_nan=False)]
"""The NLL of a task in another run, nats per target token."""


@dataclass(frozen=True)
class RewardRequest:
    """The rewards that a sampler wants.

    Attributes:
        interval: The number of steps between measurements of rewards; 1 with "dev_losses", which come with the
            validations.
        against: The quantity that R_n is:

            - "each": the mean cosine of task n's training gradient with the validation gradient of every task that has
              one;
            - "mean": its cosine with their mean;
            - "mixture": ⟨g_n, c⟩ / max(‖c‖², Σ a_j² ‖g_j‖²), c = Σ a_j g_j with a the present shares of the target
              tokens;
            - "others": Σ ⟨g_n, g_m⟩ over the other tasks m, divided by the mean norm of all gradients;
            - "uncertainty": the entropy of the predictions on dev data of task n, nats, mean over target tokens; none
              of a task without a dev split;
            - "moments": the pair ⟨g_n^a, g_n^b⟩ and ½ ‖g_n^a − g_n^b‖², unbiased estimates of the squared norm of task
              n's expected gradient and of the variance of the gradient of a half;
            - "own_gap": the pair ⟨g_n, P⁻¹ d_n⟩ and ⟨d_n^a, P⁻¹ d_n^b⟩, d_n^a and d_n^b gradients of halves of a
              validation sub-batch, d_n their mean, P the root of the optimiser's second moments; none of a task without
              a dev split;
            - "losses": the task's training NLL since the latest measurement, nats per target token; none of a task that
              was not drawn meanwhile;
            - "dev_losses": its validation NLL at each validation that `training.validate_every` brings; none of a task
              without a dev split.
        split: With "mixture", whether g_n is a training gradient or, where the task has a dev split, one of that.
        unit_length: With "mixture", whether every g_n is divided by its norm first.
    """

    interval: int
    against: Against
    split: Literal["train", "dev"] = "train"
    unit_length: bool = False

    @property
    def needs_dev(self) -> bool:
        """Whether rewards are measured on dev splits, in passes of their own."""
        return self.against in ("each", "mean", "own_gap", "uncertainty") or (
            self.against == "mixture" and self.split == "dev"
        )

    @property
    def needs_passes(self) -> bool:
        """Whether rewards take passes of their own, and are not what training and validation know anyway."""
        return self.against not in ("losses", "dev_losses")

    @property
    def may_lack_tasks(self) -> bool:
        """Whether a task may have no reward: NaN in what `update` is given."""
        return self.against in ("losses", "dev_losses", "own_gap", "uncertainty")

    @property
    def second(self) -> str | None:
        """The name of the second numbers of rewards that are pairs, in records; None where rewards are numbers."""
        return {"moments": "variances", "own_gap": "dev_squares"}.get(self.against)


@dataclass(frozen=True)
class SamplerState:
    """Base of the states: a frozen dataclass of tensors and integers, indexed by task id, on the CPU."""


S = TypeVar("S", bound=SamplerState)


class SamplerSettings(Settings):
    """Base of the samplers' settings.

    Attributes:
        replay: The share of the sentence pairs of a step that directions between old languages have together, where a
            pre-trained model gets new ones; within the old ones and within the new ones the sampler's own proportions
            stay. null for the sampler's own share. Every other training is as without it.
    """

    replay: float | None = Field(default=REPLAY, ge=0, le=1, allow_inf_nan=False)
    method: str

    @property
    def name(self) -> str:
        """The sampler's name in configurations."""
        return self.method

    @property
    def compared_run(self) -> Path | None:
        """The folder of a run whose losses the sampler compares with; None for none."""
        return None

    def with_baselines(self, train: Mapping[str, float], dev: Mapping[str, float]) -> Self:
        """Return the settings with the losses of `compared_run` in them.

        Args:
            train: Its latest training NLL by task.
            dev: Its lowest validation NLL by task.
        """
        return self

    def for_training(self, steps: int) -> Self:
        """Return the settings with those filled in that follow from the length of the training, in updates."""
        return self

    def for_data(self, lengths: Mapping[str, float], step_tokens: float) -> Self:
        """Return the settings with those filled in that follow from the data.

        Args:
            lengths: Mean target tokens of a pair, by task.
            step_tokens: Target tokens of an update.
        """
        return self

    def tokens_of_each(self, tasks: int, batch_tokens: int) -> int | None:
        """Return the target tokens that every task has in every step; None where tasks are drawn.

        Args:
            tasks: N.
            batch_tokens: Target tokens of an update.
        """
        return None


class StaticSampler(SamplerSettings):
    """Base of the settings of samplers that learn nothing from a training."""

    @property
    def request(self) -> None:
        """Request nothing."""

    def update(self, state: S, rewards: Tensor) -> S:
        """Return the same state."""
        return state

    def describe(self, state: SamplerState) -> dict[str, Any]:
        """Return nothing beyond the probabilities."""
        return {}


@dataclass(frozen=True)
class FixedShares(SamplerState):
    """Probabilities that never change.

    Attributes:
        shares: (N,) float64.
    """

    shares: Tensor


class FixedSampler(StaticSampler):
    """Base of the settings of samplers whose probabilities never change: `init` returns them as `FixedShares`."""

    def probabilities(self, state: FixedShares, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities, the same in every step."""
        return state.shares.numpy().copy()


class Sampling(Protocol[S]):
    """A sampler (see the module's docstring for its functions)."""

    @property
    def name(self) -> str:
        """The sampler's name in configurations."""
        ...

    @property
    def replay(self) -> float | None:
        """The share of old tasks together, as `SamplerSettings` has it."""
        ...

    @property
    def compared_run(self) -> Path | None:
        """The folder of a run whose losses the sampler compares with, as `SamplerSettings.compared_run` has it."""
        ...

    def with_baselines(self, train: Mapping[str, float], dev: Mapping[str, float]) -> Self:
        """Fill in these losses, as `SamplerSettings.with_baselines` does."""
        ...

    def for_training(self, steps: int) -> Self:
        """Fill in the settings that follow from the length of the training, as `SamplerSettings.for_training` does."""
        ...

    def for_data(self, lengths: Mapping[str, float], step_tokens: float) -> Self:
        """Fill in the settings that follow from the data, as `SamplerSettings.for_data` does."""
        ...

    def tokens_of_each(self, tasks: int, batch_tokens: int) -> int | None:
        """Return the tokens of each task in every step, as `SamplerSettings.tokens_of_each` does."""
        ...

    @property
    def request(self) -> RewardRequest | None:
        """The rewards that `update` is to be given, or None for a sampler that learns nothing."""
        ...

    def init(self, sizes: Mapping[str, int]) -> S:
        """Return the state before the first step, from the number of training pairs of each task, all ≥ 1."""
        ...

    def probabilities(self, state: S, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities, ≥ 0 with sum 1, of update number `step`, counted from 1."""
        ...

    def update(self, state: S, rewards: Tensor) -> S:
        """Return the state after (N,) float64 finite rewards; the same state where none are requested.

        Of pairs they are (N, 2). Where `RewardRequest.may_lack_tasks`, NaN stands for a task that has none.
        """
        ...

    def describe(self, state: S) -> dict[str, Any]:
        """Return scalars worth a line in a log."""
        ...
