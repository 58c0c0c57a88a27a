"""The parts that a recipe's corpus is made of: which files they take, and what they take of them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from catscale.data.corpus_config import COLUMNS
from catscale.data.direction import Direction, LanguageCode
from catscale.recipes.remote_file import FileName, check_file_name
from catscale.settings import READ_AS, Settings


def _check_languages(pair: str) -> str:
    Direction.parse(pair)
    return check_file_name(pair)


LanguagePair = Annotated[str, AfterValidator(_check_languages)]
Split = Literal["train", "dev", "test"]
Members = dict[str, str]


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
    pair: LanguagePair
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
    pair: LanguagePair
    split: Split
    file: FileName
    member: str | None = None
    columns: dict[LanguageCode, Annotated[int, Field(ge=0, le=COLUMNS)]]

    @model_validator(mode="after")
    def _check_columns(self) -> "ColumnsPart":
        if set(self.columns) != set(self.pair.split("-")):
            raise ValueError(f"one column per language of {self.pair} is needed, found {', '.join(self.columns)}")
        return self


class MemoryPart(Settings):
    """A pair's sentences in a translation memory (TMX).

    Attributes:
        pair, split: The pair and the split, as in `TextPart`.
        file: The file, plain or compressed.
    """

    kind: Literal["tmx"]
    pair: LanguagePair
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
    pair: LanguagePair
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
RecipePart = Annotated[FilesPart | TablePart | PairPart | SplitPart, Field(discriminator="kind")]


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
