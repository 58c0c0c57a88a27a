"""Temperature sampling whose temperature changes with the steps.

Legend: N tasks, T temperature, t step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor

from catscale.sampling.contract import SamplerState, StaticSampler
from catscale.sampling.temperature import temperature_shares
from catscale.settings import LARGE, READ_AS, STEPS

StepNumber = Annotated[int, Field(ge=0, le=STEPS)]
Temperature = Annotated[float, Field(gt=0, le=LARGE, allow_inf_nan=False)]
Knot = Annotated[tuple[StepNumber, Temperature], READ_AS]


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
            neighbouring steps are a jump.

    Example:
        >>> TemperatureSchedule(knots=[(0, 1), (100, 5)]).temperature(50)
        1.6666666666666667
    """

    method: Literal["temperature_schedule"] = "temperature_schedule"
    knots: list[Knot] = Field(min_length=1)

    @field_validator("knots")
    @classmethod
    def _ascending(cls, knots: list[Knot]) -> list[Knot]:
        for (before, _), (after, _) in pairwise(knots):
            if after <= before:
                raise ValueError(f"the steps of the knots must ascend, found {after} after {before}; reorder them")
        return knots

    def temperature(self, step: int) -> float:
        """Return T of update number `step`."""
        steps, temperatures = zip(*self.knots, strict=True)
        return float(1 / np.interp(step, steps, 1 / np.asarray(temperatures, dtype=np.float64)))

    def init(self, sizes: Mapping[str, int]) -> ScheduleState:
        """Return the sizes, which never change: the temperature depends on the step alone."""
        return ScheduleState(torch.tensor(list(sizes.values()), dtype=torch.int64))

    def probabilities(self, state: ScheduleState, step: int) -> NDArray[np.float64]:
        """Return the (N,) probabilities of the step's temperature."""
        return temperature_shares(state.sizes.tolist(), self.temperature(step))
