"""The schema of a checkpoint's `state.json` beside the states of methods, which check their own."""

from typing import Any, Literal

from pydantic import Field

from catscale.data.direction import DirectionName
from catscale.system.reading.schema import Count, FileSchema, NotNegative, Number


class WindowState(FileSchema):
    """Sums since the latest record of the training loss."""

    nll: dict[DirectionName, Number]
    tokens: dict[DirectionName, Count]
    loss: Number
    steps: Count
    seconds: NotNegative


class SkipsState(FileSchema):
    """The skipped steps."""

    total: Count
    steps: Count
    rewards: Count


class LowestState(FileSchema):
    """The best model of a kind."""

    step: Count
    score: Number


class ProgressState(FileSchema):
    """The position of a run; other keys are refused where they are put in their places."""

    step: Count
    seconds: NotNegative
    tokens: Count
    best: Number | None
    best_step: Count
    stale: Count
    validated: Count
    window: WindowState
    skips: SkipsState | None = None
    candidates: dict[Literal["single", "last", "ema"], LowestState] | None = None
    before: Count = 0
    lowest: dict[DirectionName, Number] = Field(default_factory=dict)


class CheckpointState(FileSchema):
    """The parts of a checkpoint, those of them that are asked for."""

    progress: ProgressState | None = None
    metrics_size: Count = 0
    stream: dict[str, Any] | None = None
    sampler: dict[str, Any] | None = None
    balancer: dict[str, Any] | None = None
    optimizer: dict[str, dict[str, Any]] | None = None
    random: dict[str, dict[str, Any]] | None = None
    moving_average: dict[str, Any] | None = None
