"""The schema of a run's `environment.json`."""

from typing import Annotated, Literal

from pydantic import Field

from catscale.data.direction import DirectionName
from catscale.system.reading.schema import Count, FileSchema, NotNegative, Text

Fingerprint = Annotated[str, Field(pattern="^[0-9a-f]{1,64}$")]
"""SHA-256 of the data, part of a folder's name."""


class ComputedIn(FileSchema):
    """The number formats of matrix products, see `catscale.training.precision`."""

    used: Literal["fp32", "tf32", "bf16"] = "fp32"
    bf16_speed: NotNegative | None = None


class CompiledLayers(FileSchema):
    """Whether layers are compiled, see `catscale.training.compiling`."""

    used: bool = False
    speed: NotNegative | None = None


class Visit(FileSchema):
    """The machine and software that a run is made with."""

    catscale: Text | None = None
    commit: Text | None = None
    python: Text | None = None
    platform: Text | None = None
    machine: Text | None = None
    device: Text | None = None
    processes: Count | None = None
    packages: dict[Text, Text | None] | None = None
    precision: ComputedIn | None = None
    compiled: CompiledLayers | None = None


class Continuation(Visit):
    """A visit that went on with a run."""

    step: Count


class BaseModelRecord(FileSchema):
    """The model that a run started from, where it did."""

    path: Text
    fingerprint: Fingerprint | None = None
    licence: Text | None = None
    licence_files: list[Text] = Field(default_factory=list)


class EnvironmentFile(Visit):
    """`environment.json`."""

    base: BaseModelRecord | None = None
    seed: Count | None = None
    data_fingerprint: Fingerprint | None = None
    train_pairs: dict[DirectionName, Count] = Field(default_factory=dict)
    train_tokens: dict[DirectionName, Count] = Field(default_factory=dict)
    validation_pairs: dict[DirectionName, Count] = Field(default_factory=dict)
    continued_by: list[Continuation] = Field(default_factory=list)
