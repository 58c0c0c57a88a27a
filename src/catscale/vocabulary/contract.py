"""The contract between a vocabulary and everything that trains, decodes and stores with it.

A kind of vocabulary is a frozen group of settings, which make a vocabulary from a sample of lines, and the vocabulary:

    settings.build(lines, languages, say) -> vocabulary
    vocabulary.encode(lines) -> ids of each line, without tag and end
    vocabulary.decode(ids of each line) -> lines
    vocabulary.tags: language -> id of the token that stands for it
    vocabulary.corpus_tags: tag of a corpus -> id, where the kind has such tags
    vocabulary.save(folder), Kind.load(folder)

Ids are positions in the model's table of embeddings. Nothing outside of this folder knows which ids are special, how a
tag is written, or of which files a saved vocabulary consists. `catscale.vocabulary.checks` tries the promises.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field

from catscale.errors import DataError
from catscale.settings import LARGE, Settings
from catscale.system.console.messages import Say
from catscale.system.writing.files import write_json

KIND_FILE = "vocabulary_kind.json"
FIRST_KIND = "sentencepiece"
"""The kind of a folder without `KIND_FILE` and of a configuration that names none, as of version 0.1."""


class Vocabulary(ABC):
    """Text to ids and back.

    Attributes:
        kind: Its name in the table.
        files: Names of the files that `write` may write.
        has_tokenizer: Whether `write` leaves a tokenizer with the same ids that `AutoTokenizer` reads, which the
            conversion for CTranslate2 needs.
        notes: The findings and changes of its making, in lines.
        rule: The rule by which text is normalised before it is cut; empty where text is given back as it was.
        pad_id, bos_id, eos_id, unk_id: Ids of the padding, of the start and the end of a sentence, and of what no piece
            stands for. A translation begins with `eos_id` and the target's tag, as M2M-100 has it.
    """

    kind: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    has_tokenizer: ClassVar[bool] = False
    notes: tuple[str, ...] = ()
    rule: str = ""
    pad_id: int
    bos_id: int
    eos_id: int
    unk_id: int

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of embeddings; every id is below it."""

    @property
    @abstractmethod
    def tags(self) -> Mapping[str, int]:
        """Language → id of its tag, in a fixed order."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of all that decides which ids a text and a language get; not of names of classes."""

    @abstractmethod
    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """Return the ids of each line: pieces and `unk_id`, no tag and no other special id, whatever the text holds."""

    @abstractmethod
    def decode(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Return the text of each sequence of ids; tags and special ids but `unk_id` are left out."""

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write what `load` needs into a folder, without `KIND_FILE`."""

    @classmethod
    def read_notes(cls, folder: Path) -> Sequence[str]:
        """Read what was found when a saved vocabulary was made, and a user is told before each training, in lines.

        Raises:
            DataError: If the folder cannot be read.
        """
        del folder
        return ()

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read what `write` wrote.

        Raises:
            DataError: If the files are not there or not readable.
        """

    @property
    def new_rows(self) -> int:
        """The number of its last ids that a pre-trained model has no rows of embeddings for."""
        return 0

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that have a tag."""
        return tuple(self.tags)

    def tag(self, language: str) -> int:
        """Return the id of a language's tag.

        Raises:
            DataError: If the vocabulary was built without that language.
        """
        if language not in self.tags:
            raise DataError(
                f"the vocabulary has no language {language!r}; it has {', '.join(self.languages)}: "
                "choose one of them, or train with a direction that uses it"
            )
        return self.tags[language]

    @property
    def corpus_tags(self) -> Mapping[str, int]:
        """Tag of a corpus → id of its token, in a fixed order; the token stands right after a source's language tag."""
        return {}

    def corpus_tag(self, name: str) -> int:
        """Return the id of a corpus' tag.

        Raises:
            DataError: If the vocabulary was built without it.
        """
        if name not in self.corpus_tags:
            raise DataError(
                f"the vocabulary has no tag {name!r} of a corpus; it has {', '.join(self.corpus_tags) or 'none'}: "
                f"choose one of them, or train with data.corpora: [{{…, tag: {name[:32]}}}]"
            )
        return self.corpus_tags[name]

    def source_prefix(self, tag: str | None) -> list[int]:
        """Return the ids between a source's language tag and its pieces: that of a corpus' tag, none without one.

        Raises:
            DataError: If the vocabulary was built without the tag.
        """
        return [] if tag is None else [self.corpus_tag(tag)]

    def with_corpus_tags(self, names: Sequence[str]) -> "Vocabulary":
        """Return the same vocabulary with tokens for the tags of corpora, whose ids follow all others.

        Args:
            names: The tags, at least one, each once.

        Raises:
            DataError: If the kind has none, or a piece has the name of one.
        """
        raise DataError(
            f"a vocabulary of the kind {self.kind} has no tags of corpora, found tag: {', '.join(names)} in "
            f"data.corpora; leave tag out there, or take vocabulary.kind {FIRST_KIND}"
        )

    def gives_back(self, lines: Iterable[str], sequences: Iterable[Iterable[int]]) -> list[bool]:
        """Return whether the ids of each line are decoded to the line itself, white space at its ends aside."""
        decoded = self.decode(sequences)
        return [text.strip() == line.strip() for line, text in zip(lines, decoded, strict=True)]

    def is_same(self, other: "Vocabulary") -> bool:
        """Return whether another vocabulary gives the same ids."""
        return self.fingerprint == other.fingerprint

    def check(self, lines: Sequence[str], say: Say) -> None:
        """Compare what other programs will read of `write`'s files with this vocabulary, on a sample of lines.

        Raises:
            DataError: If they would cut text otherwise without a reason for it.
        """
        del lines, say

    def save(self, folder: Path) -> None:
        """Write the vocabulary and the name of its kind into a folder, for `catscale.vocabulary.table`."""
        self.write(folder)
        if self.kind != FIRST_KIND:
            write_json(folder / KIND_FILE, {"kind": self.kind})


class VocabularySettings(Settings):
    """Settings that every kind of vocabulary has.

    Attributes:
        kind: The way text is cut: the name of a kind in the table.
        temperature: The temperature of the languages' shares in the sample, p ∝ lines^(1/T).
        sample_lines: Most lines to train on.
        max_unknown: Largest share of `<unk>` among the pieces of a side; above it a preparation is refused, above a
            hundredth it is warned of. 1 refuses nothing.
    """

    kind: str
    temperature: float = Field(default=5.0, ge=0.1, le=LARGE)
    sample_lines: int = Field(default=1_000_000, ge=1, le=1_000_000_000)
    max_unknown: float = Field(default=0.1, ge=0, le=1)

    @abstractmethod
    def build(self, lines: Iterable[str], languages: Sequence[str], say: Say) -> Vocabulary:
        """Make the vocabulary; the same settings, lines and languages give the same fingerprint.

        Args:
            lines: A sample of the training text, with the shares of `temperature`; need not be read to its end.
            languages: Codes of the languages that get a tag.
            say: Receives progress lines and warnings.

        Raises:
            DataError: If the lines or the given files do not allow it.
        """

    def build_from(self, lines: Iterable[str], texts: Mapping[str, Iterable[str]], say: Say) -> Vocabulary:
        """Make the vocabulary where the text of each language is at hand.

        Args:
            lines: As for `build`.
            texts: Language → the distinct lines of its training text, at most `sample_lines`, which are read anew by
                each iteration.
            say: Receives progress lines and warnings.
        """
        return self.build(lines, list(texts), say)

    @property
    @abstractmethod
    def expected_size(self) -> int:
        """About how many embeddings the vocabulary will have, to judge the memory before any text is read."""

    @property
    def existing(self) -> Path | None:
        """The file or folder of a vocabulary that is there already; None for one that is yet to be built."""
        return None

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Files whose content decides what is built, beside the lines; they count in a store's fingerprint."""
        return ()

    def check(self) -> None:
        """Refuse files that are no vocabulary, before any text is read.

        Raises:
            DataError: If they are not.
        """

    def check_languages(self, languages: Sequence[str]) -> None:
        """Refuse languages that the vocabulary can have no tag for, before any text is read.

        Raises:
            CatscaleError: If there is one.
        """
        del languages

    def relevant(self) -> dict[str, Any]:
        """Return the settings that change a store, for its fingerprint."""
        return self.model_dump(mode="json", exclude={"max_unknown"})

    def with_absolute_path(self) -> Self:
        """Return the same settings with absolute paths, so that they mean the same from another folder."""
        return self

    def as_in_first_version(self) -> Self:
        """Return what the same settings meant in a run of version 0.1."""
        return self
