"""Settings of the corpora: where they are, which directions, which splits, how they are cleaned."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from catscale.data.corpus_config import (
    STDIN,
    CorpusConfig,
    CorpusPart,
    Limit,
    SplitNames,
    check_directions,
    underscore_keys,
)
from catscale.data.direction import LanguageCode
from catscale.data.languages.codes import underscored
from catscale.settings import Settings
from catscale.settings.location import Location

__all__ = ["ALL", "CleaningConfig", "CorpusPart", "DataConfig", "HoldoutConfig", "SplitNames"]

ALL = "all"


class CleaningConfig(Settings):
    """The rules for dropping training pairs. Pairs of dev and test are dropped only if a side is empty.

    Attributes:
        max_length: Longest side, in words (between spaces) and again in SentencePiece pieces.
        max_ratio: Largest ratio of the sides' lengths in characters, asked only of pairs whose longer side
            has more than 40 characters: short lines differ by chance.
        drop_duplicates: Whether only the first of equal pairs is kept.
        drop_overlap: Whether to drop train pairs of which a side is a source sentence of dev or test; "auto"
            does it for the splits that `data.holdout` makes and only counts for those that come as files.
    """

    max_length: int = Field(default=256, ge=1, le=1_000_000)
    max_ratio: float = Field(default=9.0, ge=1, le=1e6)
    drop_duplicates: bool = True
    drop_overlap: Literal["auto"] | bool = "auto"


class HoldoutConfig(Settings):
    """Dev and test taken from train, by a hash of the source sentence, for the directions that lack them.

    Attributes:
        dev: Sentences of each direction, at most a tenth of its distinct sources; 0 makes none.
        test: The number for test.
        replace: Whether to make them also for the directions whose files have them.
    """

    dev: int = Field(default=500, ge=0, le=1_000_000_000)
    test: int = Field(default=1000, ge=0, le=1_000_000_000)
    replace: bool = False


class DataConfig(CorpusConfig):
    """The data of a run: one corpus, or several under `corpora`.

    Attributes:
        directions: Directions such as `en-az`; or give source(s) and target(s).
        source, sources, target, targets: A language, a list of them, or "all" that have data.
        zero_shot: Directions that are never trained and only scored on dev and test; or "all" between two trained
            languages that are trained neither way round and have a test split.
        corpora: Instead of format and path, several corpora. Their train pairs are read one after the other and
            cleaned as one; dev and test are those of the first one that has them.
        limit: Direction → how many train pairs to keep, the first ones.
        cleaning: The rules for dropping pairs.
        holdout: Dev and test made from train where the files have none.
        store: Folder of the prepared token stores.
    """

    directions: list[str] | None = None
    source: LanguageCode | list[LanguageCode] | None = None
    sources: LanguageCode | list[LanguageCode] | None = None
    target: LanguageCode | list[LanguageCode] | None = None
    targets: LanguageCode | list[LanguageCode] | None = None
    zero_shot: list[str] | Literal["all"] | None = None
    corpora: Annotated[list[CorpusPart], Field(min_length=1)] | None = None
    limit: Limit = Field(default_factory=dict)
    cleaning: CleaningConfig = CleaningConfig()
    holdout: HoldoutConfig | None = None
    store: Location = Path("prepared")

    @field_validator("directions", "zero_shot")
    @classmethod
    def _check_directions(cls, directions: list[str] | str | None) -> list[str] | str | None:
        return check_directions(directions) if isinstance(directions, list) else directions

    @field_validator("source", "sources", "target", "targets")
    @classmethod
    def _check_languages(cls, languages: list[str] | str | None) -> list[str] | str | None:
        if not isinstance(languages, list):
            return None if languages is None else underscored(languages)
        return list(underscore_keys(dict.fromkeys(languages)) or {})

    @model_validator(mode="after")
    def _check_corpora(self) -> Self:
        if self.corpora is None:
            if self.format is None:
                raise ValueError("give format and path, or corpora: a list of {format: …, path: …}")
            return self
        unset = CorpusConfig()
        if given := [name for name in CorpusConfig.model_fields if getattr(self, name) != getattr(unset, name)]:
            raise ValueError(f"with corpora, {' and '.join(given)} belong to each corpus; move them there")
        if sum(part.path == STDIN for part in self.corpora) > 1:
            raise ValueError("only one of the corpora can be standard input (path: '-')")
        return self

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        given = [name for name in ("source", "sources", "target", "targets") if getattr(self, name)]
        if self.directions is not None and given:
            raise ValueError(f"give either directions or {' and '.join(given)}, not both")
        if self.directions is None and len(given) != 2:
            raise ValueError("give directions: [en-az, …], or one of source/sources and one of target/targets")
        if self.directions is None and given in (["source", "sources"], ["target", "targets"]):
            raise ValueError(f"give {given[0]} or {given[1]}, not both, and the other side")
        if self.pattern is not None and "{split}" not in self.pattern and not self.holdout:
            raise ValueError("the pattern needs {split}, unless data.holdout makes dev and test from train")
        return self

    def asked(self, side: Literal["source", "target"]) -> list[str] | None:
        """Return the languages requested on one side, or None for "all"."""
        value = getattr(self, side) or getattr(self, side + "s")
        return None if value == ALL else [value] if isinstance(value, str) else list(value)

    @property
    def parts(self) -> tuple[CorpusPart, ...]:
        """The corpora, of which there is one where `corpora` is not given."""
        if self.corpora is not None:
            return tuple(self.corpora)
        return (CorpusPart.model_construct(**{name: getattr(self, name) for name in CorpusConfig.model_fields}),)

    @property
    def place(self) -> str:
        """The place of the corpora, for messages."""
        return ", ".join(dict.fromkeys(part.place for part in self.parts))

    def with_absolute_paths(self) -> Self:
        """Return a copy with absolute paths, so that it means the same from another folder."""
        corpora = None if self.corpora is None else [part.with_absolute_path() for part in self.corpora]
        moved = self.with_absolute_path()
        return moved.model_copy(update={"corpora": corpora, "store": self.store.absolute()})
