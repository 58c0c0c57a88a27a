"""The settings of a batch of its own that gradients are measured on, apart from the step's."""

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from catscale.balancing.contract import MethodSettings


@dataclass(frozen=True)
class StatisticsBatch:
    """A batch that gradients are measured on.

    Attributes:
        tokens: The target tokens of each task.
        split: The split that they are drawn from; "train" for a task without a dev split.
        is_training: Whether the model is in training mode, with dropout.
    """

    tokens: int
    split: Literal["train", "dev"]
    is_training: bool


class StatisticsSettings(MethodSettings):
    """Base of the methods whose gradients may be measured on a batch of its own, apart from the step's.

    A step holds few tokens of a task, and its gradients are noise; a larger batch of all tasks, once in a while, tells
    more. A step that is to measure then measures on that batch, and is itself a plain one.

    Attributes:
        statistics_tokens: Target tokens of each task that gradients are measured on; None for the step's own.
        statistics_split: The split of these: "train", or "dev" of tasks that have a dev split.
        statistics_mode: "training", with dropout, or "evaluation", without.
    """

    statistics_tokens: int | None = Field(default=None, ge=32, le=100_000_000)
    statistics_split: Literal["train", "dev"] = "train"
    statistics_mode: Literal["training", "evaluation"] = "training"

    @model_validator(mode="after")
    def _check_has_tokens(self) -> Self:
        if self.statistics_tokens is None and (self.statistics_split, self.statistics_mode) != ("train", "training"):
            raise ValueError(
                "statistics_split and statistics_mode are of a batch apart from the step's, found no "
                "statistics_tokens; set its target tokens of each task, 1024 for example"
            )
        return self

    @property
    def statistics_batch(self) -> StatisticsBatch | None:
        """The batch that gradients are measured on; None for the step's own."""
        if self.statistics_tokens is None:
            return None
        is_training = self.statistics_mode == "training"
        return StatisticsBatch(self.statistics_tokens, self.statistics_split, is_training)
