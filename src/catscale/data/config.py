"""Settings of the corpora: where they are, which directions, which splits, how they are cleaned."""

import os
import re
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from catscale.data.direction import Direction
from catscale.settings import Settings

ALL = "all"
PLACEHOLDERS = ("split", "source", "target", "pair", "lang")


def expand_environment(value: Any) -> Any:
    """Replace `${NAME}` and `${NAME:-default}` in a path, and a leading `~`.

    Raises:
        ValueError: If a variable without a default is not set.
    """

    def replace(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        text = os.environ.get(name) or default
        if text is None:
            raise ValueError(
                f"the environment variable {name} is not set, which {value!r} needs; "
                f"set it, or give a default as in ${{{name}:-folder}}"
            )
        return text

    if not isinstance(value, str):
        return value
    return os.path.expanduser(re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", replace, value))


Location = Annotated[Path, BeforeValidator(expand_environment)]


class CleaningConfig(Settings):
    """Which training pairs are dropped. Pairs of dev and test are dropped only if a side is empty.

    Attributes:
        max_length: Longest side, in words (between spaces) and again in SentencePiece pieces.
        max_ratio: Largest ratio of the sides' lengths in characters, asked only of pairs whose longer side
            has more than 40 characters: short lines differ by chance.
        drop_duplicates: Whether only the first of equal pairs is kept.
        drop_overlap: Whether to drop train pairs of which a side is a source sentence of dev or test; "auto"
            does it for the splits that `data.holdout` makes and only counts for those that come as files.
    """

    max_length: int = Field(default=256, ge=1)
    max_ratio: float = Field(default=9.0, ge=1)
    drop_duplicates: bool = True
    drop_overlap: Literal["auto"] | bool = "auto"


class HoldoutConfig(Settings):
    """Dev and test taken from train, by a hash of the source sentence.

    Attributes:
        dev: Sentences of each direction, at most a tenth of its distinct sources; 0 reads the files' split.
        test: The same for test.
    """

    dev: int = Field(default=500, ge=0)
    test: int = Field(default=1000, ge=0)


class SplitNames(Settings):
    """What the files call the splits, as in `dev: val`."""

    train: str = "train"
    dev: str = "dev"
    test: str = "test"


class DataConfig(Settings):
    """The corpus of a run.

    Attributes:
        format: The files' format.
        path: Their folder; `${NAME}` and `${NAME:-default}` are taken from the environment.
        directions: Directions such as `en-az`; or give source(s) and target(s).
        source, sources, target, targets: A language, a list of them, or "all" that have data.
        splits: The splits' names in the files.
        pattern: Explicit file names with {split}, {source}, {target}, {pair}, {lang}.
        columns: For tsv, language → name in the header, or → index in a file without one.
        language_codes: Our code → the code in the files, where they differ.
        limit: Direction → how many train pairs to keep, the first ones.
        cleaning: What is dropped.
        holdout: Dev and test made from train.
        store: Folder of the prepared token stores.
    """

    format: Literal["opus100", "moses", "tsv", "jsonl"]
    path: Location
    directions: list[str] | None = None
    source: str | list[str] | None = None
    sources: str | list[str] | None = None
    target: str | list[str] | None = None
    targets: str | list[str] | None = None
    splits: SplitNames = SplitNames()
    pattern: str | None = None
    columns: dict[str, int] | dict[str, str] | None = None
    language_codes: dict[str, str] = Field(default_factory=dict)
    limit: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    cleaning: CleaningConfig = CleaningConfig()
    holdout: HoldoutConfig | None = None
    store: Location = Path("prepared")

    @field_validator("directions")
    @classmethod
    def _check_directions(cls, directions: list[str] | None) -> list[str] | None:
        if directions is not None:
            parsed = [Direction.parse(text) for text in directions]
            if not parsed or len(set(parsed)) < len(parsed):
                raise ValueError("directions must name at least one direction, each once")
        return directions

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            names = {name for _, name, _, _ in Formatter().parse(pattern) if name is not None}
            if unknown := names - set(PLACEHOLDERS):
                allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
                raise ValueError(f"the pattern has {{{min(unknown)}}}; the placeholders are {allowed}")
        return pattern

    @model_validator(mode="after")
    def _check_together(self) -> "DataConfig":
        given = [name for name in ("source", "sources", "target", "targets") if getattr(self, name)]
        if self.directions is not None and given:
            raise ValueError(f"give either directions or {' and '.join(given)}, not both")
        if self.directions is None and len(given) != 2:
            raise ValueError("give directions: [en-az, …], or one of source/sources and one of target/targets")
        if self.directions is None and given in (["source", "sources"], ["target", "targets"]):
            raise ValueError(f"give {given[0]} or {given[1]}, not both, and the other side")
        if self.pattern is not None and "{lang}" not in self.pattern and self.format in ("opus100", "moses"):
            raise ValueError("the pattern of a format with one file a language needs {lang}")
        if self.pattern is not None and "{split}" not in self.pattern and not self.holdout:
            raise ValueError("the pattern needs {split}, unless data.holdout makes dev and test from train")
        return self

    def asked(self, side: Literal["source", "target"]) -> list[str] | None:
        """Languages asked for on one side, or none for "all"."""
        value = getattr(self, side) or getattr(self, side + "s")
        return None if value == ALL else [value] if isinstance(value, str) else list(value)
