"""One corpus of the data: which directions it has, where its splits are, and their pairs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from catscale.data.corpus_config import CorpusPart
from catscale.data.direction import Direction
from catscale.data.file_corpus import FileCorpus
from catscale.data.hub_corpus import HubCorpus
from catscale.data.listed_corpus import ListedCorpus
from catscale.data.readers import Pair

Input = Path | str  # a file, known by its content, or a name that says what is read, such as a commit


class Part(Protocol):
    """What every kind of corpus offers."""

    def available(self) -> set[Direction]:
        """The directions that seem to have a train split."""

    def inputs(self, split: str, direction: Direction) -> tuple[Input, ...] | None:
        """What the pairs of a split are read from, or none if it is not there."""

    def expected(self, split: str, direction: Direction) -> list[str]:
        """What was looked for, for messages."""

    def holds(self, split: str, direction: Direction) -> bool:
        """Whether a split has a pair, or a column of each language, where files do not tell by their names."""

    def pairs(self, split: str, direction: Direction) -> Iterator[Pair]:
        """Stream the pairs of a split that is there."""


def open_part(config: CorpusPart) -> Part:
    """The corpus that a configuration describes.

    Raises:
        DataError: If its folder is not there.
    """
    if config.format == "pairs":
        return ListedCorpus(config)
    return HubCorpus(config) if config.format == "hf" else FileCorpus(config)
