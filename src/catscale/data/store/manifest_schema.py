"""The schema of the manifest of a token store."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from catscale.data.direction import DirectionName
from catscale.system.reading.schema import Count, FileSchema, Text
from catscale.system.writing.manifest import Checksum, is_plain_name

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
ENDS = [f"{side}.{kind}" for side in ("source", "target") for kind in ("ids", "offsets")]
"""The pattern of the names of a split's token files."""


def _check_name(name: str) -> str:
    if not is_plain_name(name.removeprefix("vocabulary/")):
        raise ValueError(f"a file of a store lies in its folder or in vocabulary/, found {name[:80]!r}")
    return name


class SplitStatistics(FileSchema):
    """The counts of a split of a direction."""

    read: Count | None = None
    kept: Count | None = None
    dropped: dict[Text, Count] | None = None
    overlap: Count | None = None
    source_tokens: Count | None = None
    target_tokens: Count | None = None
    source_unknown: Count | None = None
    target_unknown: Count | None = None
    unwritable_targets: Count | None = None


class Formatted(FileSchema):
    """A manifest of any version."""

    format: int


class StoreManifest(Formatted):
    """A manifest of this version."""

    fingerprint: Sha256
    checksum: Sha256
    directions: list[DirectionName]
    zero_shot: list[DirectionName] = Field(default_factory=list)
    statistics: dict[DirectionName, dict[Literal["train", "dev", "test"], SplitStatistics]]
    vocabulary_size: Annotated[int, Field(ge=1, lt=2**31)]
    files: dict[Annotated[str, AfterValidator(_check_name)], Checksum]

    @model_validator(mode="after")
    def _check_listed(self) -> Self:
        """Check that every split's files are among those whose checksums are compared."""
        for direction, splits in self.statistics.items():
            for split in splits:
                missing = [end for end in ENDS if f"{split}.{direction}.{end}" not in self.files]
                if missing:
                    raise ValueError(f"files does not list {split}.{direction}.{missing[0]}")
        return self
