"""The table of benchmarks: files with addresses and checksums, and the parts that a corpus is made of."""

import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, model_validator

from catscale.data.corpus_config import COLUMNS
from catscale.data.direction import Direction, LanguageCode
from catscale.errors import ConfigError
from catscale.settings import READ_AS, Settings
from catscale.system.reading.yaml_file import read_yaml

LENGTH = 2**60
"""A number of bytes of a file, or of pairs of a corpus."""
TABLE = Path(__file__).with_name("table.yaml")


def _check_file_name(name: str) -> str:
    if len(name) > 200 or not re.fullmatch(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*", name):
        raise ValueError(
            "a file's name has letters from A to Z, digits and . _ - +, starts with no dot, and is at most 200 "
            f"characters long; found {name[:80]!r}"
        )
    return name


def _check_pair(pair: str) -> str:
    Direction.parse(pair)
    return _check_file_name(pair)


FileName = Annotated[str, AfterValidator(_check_file_name)]
Pair = Annotated[str, AfterValidator(_check_pair)]
Split = Literal["train", "dev", "test"]
Members = dict[str, str]


class RemoteFile(Settings):
    """A file to download.

    Attributes:
        url: Its address, http or https; null for a file that the user has to get.
        bytes: Its length, where it is known.
        sha256: The publisher's checksum, or that of a public index of data sets; null where there is none.
        md5: Its MD5, where only this weaker checksum is known.
        manual: Instructions for the user, for a file without a public address.
        max_unpacked_bytes: An archive that unpacks to more is refused.
        max_ratio: An archive that unpacks to more than this multiple of its own length is refused.
        max_members: An archive with more members is refused.
    """

    url: str | None = None
    bytes: int | None = Field(default=None, ge=1, le=LENGTH)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    md5: str | None = Field(default=None, pattern="^[0-9a-f]{32}$")
    manual: str | None = None
    max_unpacked_bytes: int = Field(default=200 * 2**30, ge=1, le=LENGTH)
    max_ratio: float = Field(default=100.0, ge=1, le=1e6)
    max_members: int = Field(default=10_000, ge=1, le=10_000_000)

    @model_validator(mode="after")
    def _check_source(self) -> "RemoteFile":
        if (self.url is None) == (self.manual is None):
            raise ValueError("give either url or manual (what the user has to do), and the other as null")
        if self.url is not None:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"url must be an address with http or https, found {self.url!r}")
        return self


class FilesPart(Settings):
    """Members of archives that are taken as they are.

    Attributes:
        archives: Name of the archive, or a pattern of several, as in "opus-100-corpus-*.tar.gz".
        members: Pattern of the members to take; `*` also stands for slashes.
        strip: Leading folders to leave out.
    """

    kind: Literal["files"]
    archives: str
    members: str = "*"
    strip: str = ""


class TablePart(Settings):
    """Tables of many languages, a column each, of which some columns are taken.

    A cell that holds one of `missing` anywhere is an incomplete translation and becomes `__NULL__`; a row without
    two translations is left out.

    Attributes:
        archive: The archive.
        members: Pattern of the members.
        columns: Names in the header.
        missing: Marks of a translation that is missing or incomplete.
        entities: Whether `&apos;` and its like are turned into characters.
    """

    kind: Literal["table"]
    archive: FileName
    members: str
    columns: list[str] = Field(min_length=2)
    missing: Annotated[tuple[str, ...], READ_AS] = ("__NULL__", "_ _ NULL _ _")
    entities: bool = False


class TextPart(Settings):
    """A pair's sentences in two files, line by line or segment by segment.

    Attributes:
        kind: "lines": aligned lines; "tags": the same, where lines that begin with `<` are no sentences;
            "segments": `<seg>…</seg>` of SGML or XML.
        pair: Their folder in the corpus, as in en-kk.
        split: The split that they go to, after what earlier parts put there.
        archive: An archive that holds both; or `files`: language → a file of its own.
        members: Language → pattern of the archive's member.
        several: Whether the patterns stand for several members each; those whose names differ in the language at their
            end alone belong together, and are read in the order of their names.
        entities: Whether `&apos;` and its like are turned into characters (always in segments).
    """

    kind: Literal["lines", "tags", "segments"]
    pair: Pair
    split: Split
    archive: FileName | None = None
    files: dict[str, FileName] | None = None
    members: Members | None = None
    several: bool = False
    entities: bool = False

    @model_validator(mode="after")
    def _check_places(self) -> "TextPart":
        given = self.files if self.archive is None else self.members
        if (self.archive is None) == (self.files is None) or (self.archive is None) == (self.members is not None):
            raise ValueError("give archive and members, or files")
        if set(given or ()) != set(self.pair.split("-")):
            raise ValueError(f"one place a language of {self.pair} is needed, found {', '.join(given or ())}")
        return self


class ColumnsPart(Settings):
    """A pair's sentences in two columns of one tab-separated file without header.

    Attributes:
        pair, split: The pair and the split, as in `TextPart`.
        file: The file, plain or compressed; or an archive.
        member: Pattern of the archive's member.
        columns: Language → index from 0.
    """

    kind: Literal["columns"]
    pair: Pair
    split: Split
    file: FileName
    member: str | None = None
    columns: dict[LanguageCode, Annotated[int, Field(ge=0, le=COLUMNS)]]

    @model_validator(mode="after")
    def _check_columns(self) -> "ColumnsPart":
        if set(self.columns) != set(self.pair.split("-")):
            raise ValueError(f"one column a language of {self.pair} is needed, found {', '.join(self.columns)}")
        return self


class MemoryPart(Settings):
    """A pair's sentences in a translation memory (TMX).

    Attributes:
        pair, split: The pair and the split, as in `TextPart`.
        file: The file, plain or compressed.
    """

    kind: Literal["tmx"]
    pair: Pair
    split: Split
    file: FileName


class SplitPart(Settings):
    """The division of what earlier parts put into a pair's train into train, dev and test by a hash of the sentence.

    Attributes:
        pair: The pair, as in `TextPart`; its train holds the pool.
        by: The language whose sentence decides.
        test_share, dev_share: Shares of the pool, before repeated sentences are left out.
        max_test, max_dev: Sentences at most.
        max_words: A pair with a longer side is left out.
        max_ratio: A pair with a side of more than this multiple of the other's characters is left out.
    """

    kind: Literal["split"]
    pair: Pair
    by: str = "en"
    test_share: float = Field(default=0.15, ge=0, le=0.5)
    dev_share: float = Field(default=0.10, ge=0, le=0.5)
    max_test: int = Field(default=1000, ge=1, le=10**6)
    max_dev: int = Field(default=500, ge=1, le=10**6)
    max_words: int = Field(default=100, ge=1, le=10**6)
    max_ratio: float = Field(default=6.0, ge=1, le=10**6)

    @model_validator(mode="after")
    def _check_language(self) -> "SplitPart":
        if self.by not in self.pair.split("-"):
            raise ValueError(f"by must be a language of {self.pair}, found {self.by!r}")
        return self


PairPart = TextPart | ColumnsPart | MemoryPart
Part = Annotated[FilesPart | TablePart | PairPart | SplitPart, Field(discriminator="kind")]


class Expected(Settings):
    """The number of train pairs that there must be.

    Attributes:
        source: The source of the numbers.
        pairs: Language other than English → train pairs.
        rounding: Half a unit of the published numbers' last digit; so much never counts as a difference.
        tolerance: Per cent of difference beyond that without a warning.
        texts: Language other than English → SHA-256 of all its pairs (`catscale.recipes.count.Texts`), where scores
            are to be comparable with those on record.
    """

    source: str
    pairs: dict[LanguageCode, Annotated[int, Field(ge=1, le=LENGTH)]]
    rounding: int = Field(default=0, ge=0, le=LENGTH)
    tolerance: float = Field(default=1.0, ge=0, le=1e6)
    texts: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = Field(default_factory=dict)


class Recipe(Settings):
    """A benchmark.

    Attributes:
        title: A title of one line.
        homepage: The address of its description.
        license: Under which terms.
        notes: Remarks that a user needs, such as differences from the paper's data.
        unpacked_bytes: Size of the corpus, where it is known.
        parts: The parts that it is made of, in this order.
        expected: Its size.
        config: The configuration to write beside it; `data.path` and `data.store` are filled in.
    """

    title: str
    homepage: str
    license: str
    notes: Annotated[tuple[str, ...], READ_AS] = ()
    unpacked_bytes: int | None = Field(default=None, ge=1, le=LENGTH)
    parts: list[Part] = Field(min_length=1)
    expected: Expected
    config: dict[str, dict[str, Any]]


class RecipeTable(Settings):
    """All files and recipes.

    Attributes:
        files: Name on the disk → the file.
        recipes: Name of the benchmark → how it is made.
    """

    files: dict[FileName, RemoteFile]
    recipes: dict[FileName, Recipe]

    @model_validator(mode="after")
    def _check_names(self) -> "RecipeTable":
        for name, recipe in self.recipes.items():
            for part in recipe.parts:
                for pattern in places(part):
                    if not any(fnmatchcase(file, pattern) for file in self.files):
                        raise ValueError(f"recipe {name} takes {pattern}, which is not under files")
        return self

    def needed(self, recipe: Recipe) -> dict[str, RemoteFile]:
        """Return the files that a recipe takes, in its order."""
        patterns = [pattern for part in recipe.parts for pattern in places(part)]
        names = [name for pattern in patterns for name in self.files if fnmatchcase(name, pattern)]
        return {name: self.files[name] for name in dict.fromkeys(names)}


def places(part: FilesPart | TablePart | PairPart | SplitPart) -> list[str]:
    """Return the names, or patterns of names, of the files that a part is read from."""
    match part:
        case FilesPart():
            return [part.archives]
        case TablePart():
            return [part.archive]
        case TextPart():
            return [part.archive] if part.archive else list((part.files or {}).values())
        case ColumnsPart() | MemoryPart():
            return [part.file]
        case SplitPart():
            return []


def load_table(override: Path | None = None) -> RecipeTable:
    """Load the package's table, overlaid with a user's file.

    Args:
        override: A YAML file of the same form, whole or in part: keys are merged, lists and values replaced.

    Raises:
        ConfigError: If it cannot be read or a setting is wrong; all problems are named.
    """
    content = _package_table()
    if override is not None:
        content = _merge(content, read_yaml(override, "recipes", "files: and recipes:"))
    try:
        return RecipeTable.model_validate(content)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(part) for part in problem['loc']) or 'table'}: {problem['msg']}, "
            f"found {str(problem['input'])[:80]!r}"
            for problem in error.errors()
        ]
        raise ConfigError(
            f"{override or TABLE} has {len(lines)} problem{'s' * (len(lines) > 1)}, see docs/recipes.md:\n"
            + "\n".join(lines)
        ) from None


@cache
def _package_table() -> dict[str, Any]:
    return read_yaml(TABLE)


def _merge(base: Any, over: Any) -> Any:
    """Lay `over` on `base`: mappings key by key, everything else replaced."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return base | {key: _merge(base.get(key), value) for key, value in over.items()}
