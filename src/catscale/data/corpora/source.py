"""One corpus of the data: which directions it has, where its splits are, and their pairs."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from catscale.data.corpora.file_corpus import FileCorpus
from catscale.data.corpora.hub_corpus import HubCorpus
from catscale.data.corpora.listed_corpus import ListedCorpus
from catscale.data.corpus_config import CorpusPart
from catscale.data.direction import Direction
from catscale.data.formats.table import HUB, LISTED
from catscale.data.pairs import Located, Pair

Input = Path | str  # a file, known by its content, or a name that says what is read, such as a commit


class CorpusSource(Protocol):
    """The contract of every kind of corpus."""

    def available(self) -> set[Direction]:
        """Return the directions that seem to have a train split."""

    def inputs(self, split: str, direction: Direction) -> tuple[Input, ...] | None:
        """Return the inputs that the pairs of a split are read from, or None if it is not there."""

    def references(self, split: str, direction: Direction) -> tuple[Path, ...]:
        """Return the files of further references of dev or test, a line for each pair."""

    def expected(self, split: str, direction: Direction) -> list[str]:
        """Return what was looked for, for messages."""

    def holds(self, split: str, direction: Direction) -> bool:
        """Return whether a split has a pair, or a column of each language, where files do not tell by their names."""

    def pairs(self, split: str, direction: Direction) -> Iterator[Pair]:
        """Stream the pairs of a split that is there."""

    def located(self, split: str, direction: Direction) -> Iterator[Located]:
        """Stream the same pairs with the places where they stand."""

    def notes(self) -> list[str]:
        """Return remarks for the user on the names and files that were found."""

    @property
    def renamed(self) -> Mapping[str, str]:
        """The files' code → ours, where a hyphen became an underscore."""

    def describe(self) -> str:
        """Describe what was found and what was looked for if there is no direction, for messages."""


def open_source(config: CorpusPart, explicit: Collection[str] = (), is_lenient: bool = False) -> CorpusSource:
    """Return the corpus that a configuration describes.

    Args:
        config: The settings that say where it is.
        explicit: Codes that the configuration names, which are languages whatever they look like.
        is_lenient: Whether made-up codes are languages too.

    Raises:
        DataError: If its folder is not there.
    """
    if config.format == LISTED:
        return ListedCorpus(config)
    kind = HubCorpus if config.format == HUB else FileCorpus
    return kind(config, explicit, is_lenient)
