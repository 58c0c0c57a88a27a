"""Samplers that learn from rewards of one kind after every few steps."""

from typing import ClassVar, Self

from pydantic import Field

from catscale.sampling.contract import Against, RewardRequest, SamplerSettings
from catscale.sampling.planning import plan_interval, require_planned
from catscale.settings import STEPS


class IntervalSampler(SamplerSettings):
    """Base of the samplers that learn after every interval, which the length of the training gives where none is set.

    Attributes:
        interval: Steps between two updates; None for a 25th of `training.max_steps`.
    """

    against: ClassVar[Against]
    """The kind of rewards, see `RewardRequest`."""
    interval: int | None = Field(default=None, ge=1, le=STEPS)

    def for_training(self, steps: int) -> Self:
        """Return the settings with the interval that suits a training of `steps` steps."""
        return self.model_copy(update={"interval": self.interval or plan_interval(steps)})

    @property
    def request(self) -> RewardRequest:
        """Rewards of its kind after every interval.

        Raises:
            ConfigError: If the interval is not known.
        """
        return RewardRequest(require_planned(self.interval, "sampling.interval"), self.against)
