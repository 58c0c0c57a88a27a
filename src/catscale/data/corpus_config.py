"""Settings of one corpus: its format, where it lies, what its files, splits and languages are called."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from catscale.data.direction import LanguageCode
from catscale.data.formats.contract import AlignedFormat
from catscale.data.formats.table import FORMATS, HUB, LISTED, Format, file_format, streaming_formats
from catscale.data.languages.codes import parse_direction, underscored
from catscale.settings import READ_AS, Settings
from catscale.settings.location import Location

PLACEHOLDERS = ("split", "source", "target", "pair", "lang")
STDIN = Path("-")
TAG = re.compile("[a-z][a-z0-9_-]{0,31}")
TAKEN = ("s", "pad", "unk", "mask")
"""Names of tokens that every vocabulary has."""
ADDED = ("directions", "tag")
"""Settings of a corpus that version 0.1 did not have."""
COLUMNS = 10_000
"""Columns of a table."""
PAIRS = 1_000_000_000_000
T = TypeVar("T")

SplitName = Literal["train", "dev", "test"]


def check_directions(directions: list[str]) -> list[str]:
    """Return directions as they are written here, if they parse, there are any and none is repeated.

    Raises:
        ValueError: If not.
    """
    parsed = [parse_direction(text) for text in directions]
    if not parsed or len(set(parsed)) < len(parsed):
        raise ValueError("directions must name at least one direction, each once")
    return [str(direction) for direction in parsed]


def underscore_keys(values: dict[str, T] | None, rename: Callable[[str], str] = underscored) -> dict[str, T] | None:
    """Return a copy with codes of languages, or with `rename` directions, as they are written here.

    Raises:
        ValueError: If two keys become the same.
    """
    found: dict[str, T] = {}
    for key, value in (values or {}).items():
        if rename(key) in found:
            raise ValueError(f"{key!r} and {rename(key)!r} are the same here, where a hyphen becomes an underscore")
        found[rename(key)] = value
    return None if values is None else found


def check_tag(name: str) -> str:
    """Return the tag of a corpus, if it can be written as `<tag>` beside the tokens of a vocabulary.

    Raises:
        ValueError: If not.
    """
    if not TAG.fullmatch(name) or name in TAKEN:
        raise ValueError(
            f"a tag has letters from a to z, digits, _ and -, begins with a letter, is at most 32 characters long and "
            f"none of {', '.join(TAKEN)}; found {name[:60]!r}"
        )
    return name


def write_direction(text: str) -> str:
    """Return a direction as it is written here: `en-pt-BR` is `en-pt_BR`; other text is left as it is.

    Example:
        >>> write_direction("en-pt-BR"), write_direction("nonsense")
        ('en-pt_BR', 'nonsense')
    """
    try:
        return str(parse_direction(text))
    except ValueError:
        return text


Limit = Annotated[
    dict[str, Annotated[int, Field(ge=1, le=PAIRS)]],
    AfterValidator(lambda limit: underscore_keys(limit, write_direction)),
]
Codes = Annotated[dict[LanguageCode, str], AfterValidator(underscore_keys)]


def check_placeholders(pattern: str, allowed: tuple[str, ...]) -> None:
    """Accept only known names in braces.

    Raises:
        ValueError: If there is another one.
    """
    names = {name for _, name, _, _ in Formatter().parse(pattern) if name is not None}
    if unknown := names - set(allowed):
        listed = ", ".join(f"{{{name}}}" for name in allowed)
        raise ValueError(f"the pattern has {{{min(unknown)}}}; the placeholders are {listed}")


FilePair = Annotated[tuple[Location, Location], READ_AS]
Listed = dict[SplitName, dict[str, Annotated[list[FilePair], Field(min_length=1)]]]


class SplitNames(Settings):
    """The files' names of the splits, as in `dev: val`."""

    train: str = "train"
    dev: str = "dev"
    test: str = "test"


class CorpusConfig(Settings):
    """One corpus.

    Attributes:
        format: The way the files are named and read: one of the formats below, or hf or pairs.
        path: Their folder, or one file with all train pairs (of a format whose files hold both sides), or `-` for
            standard input (of some of them); for hf a folder or the name of a dataset on the Hub. `${NAME}` and
            `${NAME:-default}` are taken from the environment.
        splits: The splits' names in the files.
        pattern: Explicit file names with {split}, {source}, {target}, {pair}, {lang}; in formats whose files hold
            both languages, `*` stands for any part of a name, and the files that fit are read in their order.
        columns: With tsv, ted and parquet, language → name of its column; for tsv also → index, without header.
        language_codes: Our code → the code in the files, where they differ.
        files: With pairs, split → direction → list of [source file, target file], below `path`.
        name: With hf, the dataset's configuration, with {source}, {target}, {pair}; by default {pair}, either way
            round, or the only one there is.
        revision: With hf, a branch, a tag or a commit of the dataset on the Hub.
    """

    format: Format | None = None
    path: Location | None = None
    splits: SplitNames = SplitNames()
    pattern: str | None = None
    columns: dict[LanguageCode, Annotated[int, Field(ge=0, le=COLUMNS)]] | dict[LanguageCode, str] | None = None
    language_codes: Codes = Field(default_factory=dict)
    files: Listed | None = None
    name: str | None = None
    revision: str | None = None

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            check_placeholders(pattern, PLACEHOLDERS)
            if "*" in pattern and (pattern.startswith("/") or "**" in pattern):
                raise ValueError("a pattern with * is a name below data.path, without ** in it")
        return pattern

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        if name is not None:
            check_placeholders(name, ("source", "target", "pair"))
        return name

    @field_validator("files")
    @classmethod
    def _check_files(cls, files: Listed | None) -> Listed | None:
        for directions in (files or {}).values():
            check_directions(list(directions))
        return (
            None if files is None else {s: underscore_keys(named, write_direction) or {} for s, named in files.items()}
        )

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: dict[str, Any] | None) -> dict[str, Any] | None:
        return underscore_keys(columns)

    @model_validator(mode="after")
    def _check_format(self) -> Self:
        if self.format is None:
            return self  # a mixture, whose corpora have theirs
        if self.path is None and self.format != LISTED:
            raise ValueError("give path, the corpus' folder")
        self._check_owned_settings()
        if self.pattern is not None and isinstance(FORMATS.get(self.format), AlignedFormat):
            if "{lang}" not in self.pattern:
                raise ValueError("the pattern of a format with one file per language needs {lang}")
            if "*" in self.pattern:
                raise ValueError("a pattern with * is for formats whose files hold both languages, as tmx")
        streaming = streaming_formats()
        if self.path == STDIN and (self.format not in streaming or self.pattern is not None):
            raise ValueError(
                f"path: '-' reads standard input, which is for {', '.join(streaming)} without a pattern; name a folder"
            )
        return self

    def _check_owned_settings(self) -> None:
        """Refuse the settings that belong to another format."""
        for setting, owner in (("files", LISTED), ("name", HUB), ("revision", HUB)):
            if getattr(self, setting) is not None and self.format != owner:
                raise ValueError(f"{setting} is for the format {owner}, found format {self.format}")
        if self.format == LISTED and self.files is None:
            raise ValueError("the format pairs needs files: {train: {en-az: [[a.en, a.az], …]}, …}")
        if self.format in (LISTED, HUB) and self.pattern is not None:
            instead = "list the files in files" if self.format == LISTED else "set name"
            raise ValueError(f"pattern is not for the format {self.format}; {instead}")
        of_names = file_format(self.format or "")
        has_indices = any(isinstance(name, int) for name in (self.columns or {}).values())
        if has_indices and of_names is not None and of_names.place_columns is None:
            tables = [name for name in FORMATS if (found := file_format(name)) and found.place_columns]
            raise ValueError(f"an index in columns is for {', '.join(tables)} alone; give the column's name")

    def with_absolute_path(self) -> Self:
        """Return a copy with an absolute path, so that it means the same from another folder."""
        if self.format is None or self.path == STDIN or (self.format == HUB and not self.is_local):
            return self
        return self.model_copy(update={"path": (self.path or Path()).absolute()})

    @property
    def is_local(self) -> bool:
        """Whether `path` is there; for hf, what is not there is a name on the Hub."""
        return self.path is None or self.path.exists()


class CorpusPart(CorpusConfig):
    """One corpus of a mixture, with the settings `format` to `revision` of `data`, and these.

    Attributes:
        use: The splits that are taken from it.
        limit: Direction → how many of its train pairs to read at most, the first ones.
        directions: The directions that are taken from it; None for all. What is back-translated has one good side.
        tag: Stands as `<tag>` right after the source language's tag in the train pairs of this corpus, so that the
            model can tell its text from other text; dev and test have none. See docs/data.md.
    """

    use: list[SplitName] = Field(default=["train", "dev", "test"], min_length=1)
    limit: Limit = Field(default_factory=dict)
    directions: list[str] | None = None
    tag: Annotated[str, AfterValidator(check_tag)] | None = None

    @field_validator("directions")
    @classmethod
    def _check_directions(cls, directions: list[str] | None) -> list[str] | None:
        return None if directions is None else check_directions(directions)

    @model_validator(mode="after")
    def _check_part(self) -> Self:
        if self.format is None:
            raise ValueError("each corpus of data.corpora needs its format")
        return self

    @property
    def place(self) -> str:
        """The place of the corpus, for messages."""
        return str(self.path) if self.path is not None else "the listed files"


def without_unset(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a corpus without those that are None and that version 0.1 did not have."""
    return {key: value for key, value in part.items() if value is not None or key not in ADDED}
