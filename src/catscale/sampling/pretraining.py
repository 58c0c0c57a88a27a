"""Pre-training on the high-resource tasks, then joint training on all.

Source: Choi et al., "Order Matters in the Presence of Dataset Imbalance for Multilingual Learning", 2023.
Legend: N tasks, H the high-resource ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from catscale.errors import ConfigError
from catscale.sampling.contract import SamplerState, StaticSampler
from catscale.sampling.temperature import temperature_shares
from catscale.settings import LARGE, STEPS


@dataclass(frozen=True)
class PretrainingState(SamplerState):
    """The probabilities of both phases.

    Attributes:
        first: (N,) float64, 0 outside H.
        joint: (N,) float64.
    """

    first: Tensor
    joint: Tensor


class PretrainFinetune(StaticSampler):
    """Steps 1 … `steps` draw from the tasks H alone, those after from all; temperature sampling in both; cost: none.

        p_n ∝ size_n^(1/T) for n in H, else 0      t ≤ steps
        p_n ∝ size_n^(1/T)                         t > steps

    Differences from the paper: there the training states are reset between the phases (its control, a restart alone,
    does poorly, so that this is not where the gain comes from); here Adam's averages and the learning-rate schedule
    run on. There the rates of the joint phase are swept; here they are a temperature's.

    Attributes:
        steps: Steps of the first phase.
        high: Names of the tasks H; None for a choice by size.
        min_pairs: H is the tasks with at least this many training pairs; None for the mean over tasks.
        temperature: T of both phases.
    """

    method: Literal["pretrain_finetune"] = "pretrain_finetune"
    steps: int = Field(ge=1, le=STEPS)
    high: list[str] | None = Field(default=None, min_length=1)
    min_pairs: int | None = Field(default=None, ge=1, le=1_000_000_000_000)
    temperature: float = Field(default=5.0, gt=0, le=LARGE, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if self.high is not None and self.min_pairs is not None:
            raise ValueError("high and min_pairs both choose the tasks of the first phase; give one of them")
        return self

    def init(self, sizes: Mapping[str, int]) -> PretrainingState:
        """Return the probabilities of both phases.

        Raises:
            ConfigError: If a task is named that there is not, or no task is large enough.
        """
        is_high = self._choose(sizes)
        first = np.zeros(len(sizes))
        chosen = [size for size, high in zip(sizes.values(), is_high, strict=True) if high]
        first[is_high] = temperature_shares(chosen, self.temperature)
        joint = temperature_shares(list(sizes.values()), self.temperature)
        return PretrainingState(torch.from_numpy(first), torch.from_numpy(joint))

    def _choose(self, sizes: Mapping[str, int]) -> list[bool]:
        """Return which tasks are in H."""
        if self.high is not None:
            unknown = sorted(set(self.high) - set(sizes))
            if unknown:
                raise ConfigError(
                    f"sampling.high names {', '.join(unknown)}; the tasks are {', '.join(sizes)}; use their names"
                )
            return [task in self.high for task in sizes]
        least = sum(sizes.values()) / len(sizes) if self.min_pairs is None else self.min_pairs
        is_high = [size >= least for size in sizes.values()]
        if not any(is_high):
            raise ConfigError(
                f"sampling.min_pairs: no task has {self.min_pairs:,} training pairs, the largest has "
                f"{max(sizes.values()):,}; lower it"
            )
        return is_high

    def probabilities(self, state: PretrainingState, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities of the step's phase."""
        shares: NDArray[np.float64] = (state.first if step <= self.steps else state.joint).numpy().copy()
        return shares
