"""Temperature sampling whose temperature changes with the steps.

Legend: N tasks, T temperature, t step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor

from catscale.errors import ConfigError
from catscale.sampling.contract import SamplerState, StaticSampler
from catscale.sampling.planning import require_planned
from catscale.sampling.temperature import temperature_shares
from catscale.settings import LARGE, READ_AS, STEPS

StepNumber = Annotated[int, Field(ge=0, le=STEPS)]
Temperature = Annotated[float, Field(gt=0, le=LARGE, allow_inf_nan=False)]
Knot = Annotated[tuple[StepNumber, Temperature], READ_AS]
COOLS_AFTER = 0.4
"""The share of a training after which "cooldown" draws in proportion to the data."""


@dataclass(frozen=True)
class ScheduleState(SamplerState):
    """The sizes that the shares of every step follow from.

    Attributes:
        sizes: (N,) int64, training pairs.
    """

    sizes: Tensor


class TemperatureSchedule(StaticSampler):
    """p_n ∝ size_n^(1/T(t)), 1/T piecewise linear in the step; cost: none.

    Source: ours; temperature sampling with a temperature that moves. Interpolation is linear in 1/T, because
    log(p_i / p_j) = log(size_i / size_j) / T: between two knots all log-ratios of the probabilities move evenly. Linear
    in T, a schedule from 100 to 1 would be nearly uniform for nine tenths of its way and turn at its end.

    Attributes:
        knots: Pairs [step, T], the steps ascending; before the first and after the last knot T stays. Two knots at
            neighbouring steps are a jump. None for those of `schedule`.
        schedule: The knots by name, over `training.max_steps`: "cooldown" is T = 5 for 40% of it, then 1 (in the manner
            of Li et al., "Upsample or Upweight? Balanced Training on Heavily Imbalanced Datasets", NAACL 2025, who
            start with a high temperature and lower it; where, and by how much, is ours); "warmup_rich" rises from 1 to
            10 over all of it (ours, the other way round). Ignored where knots are given.

    Example:
        >>> TemperatureSchedule(knots=[(0, 1), (100, 5)]).temperature(50)
        1.6666666666666667
    """

    method: Literal["temperature_schedule"] = "temperature_schedule"
    knots: list[Knot] | None = Field(default=None, min_length=1)
    schedule: Literal["cooldown", "warmup_rich"] | None = None

    @field_validator("knots")
    @classmethod
    def _ascending(cls, knots: list[Knot] | None) -> list[Knot] | None:
        for (before, _), (after, _) in pairwise(knots or ()):
            if after <= before:
                raise ValueError(f"the steps of the knots must ascend, found {after} after {before}; reorder them")
        return knots

    def for_training(self, steps: int) -> Self:
        """Return the settings with the knots of the named schedule in a training of `steps` steps.

        Raises:
            ConfigError: If there are neither knots nor a name.
        """
        if self.knots is not None:
            return self
        if self.schedule is None:
            raise ConfigError(
                "sampling.knots must be pairs [step, T], or sampling.schedule one of cooldown and warmup_rich, found "
                "neither; give one"
            )
        falls = round(COOLS_AFTER * steps)
        knots = [(falls, 5.0), (falls + 1, 1.0)] if self.schedule == "cooldown" else [(1, 1.0), (max(2, steps), 10.0)]
        return self.model_copy(update={"knots": knots})

    def temperature(self, step: int) -> float:
        """Return T of update number `step`.

        Raises:
            ConfigError: If the knots are not known.
        """
        steps, temperatures = zip(*require_planned(self.knots, "sampling.knots"), strict=True)
        return float(1 / np.interp(step, steps, 1 / np.asarray(temperatures, dtype=np.float64)))

    def init(self, sizes: Mapping[str, int]) -> ScheduleState:
        """Return the sizes, which never change: the temperature depends on the step alone."""
        return ScheduleState(torch.tensor(list(sizes.values()), dtype=torch.int64))

    def probabilities(self, state: ScheduleState, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities of the step's temperature."""
        return temperature_shares(state.sizes.tolist(), self.temperature(step))
