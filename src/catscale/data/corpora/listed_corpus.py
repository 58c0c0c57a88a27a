"""A corpus of which the configuration lists the files, pair by pair."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from catscale.data.corpus_config import CorpusConfig
from catscale.data.direction import Direction
from catscale.data.formats.aligned import place_aligned
from catscale.data.languages.codes import parse_direction
from catscale.data.pairs import Located, Pair


class ListedCorpus:
    """Aligned files, named one by one; a list for en-az serves az-en too, unless that has its own.

    Args:
        config: The configuration with `files`, which are below `path` unless they are absolute.
    """

    def __init__(self, config: CorpusConfig) -> None:
        self._root = config.path or Path()
        self._files: dict[str, dict[Direction, list[tuple[Path, Path]]]] = {
            split: {parse_direction(name): listed for name, listed in directions.items()}
            for split, directions in (config.files or {}).items()
        }

    def available(self) -> set[Direction]:
        """Return the directions of the list, both ways."""
        listed = set(self._files.get("train", {}))
        return listed | {Direction(d.target, d.source) for d in listed}

    def inputs(self, split: str, direction: Direction) -> tuple[Path, ...] | None:
        """Return the source's and target's file of every pair of files, or None."""
        return tuple(chain.from_iterable(self._pairs_of_files(split, direction))) or None

    def references(self, split: str, direction: Direction) -> tuple[Path, ...]:
        """Return nothing: a pair has one target here."""
        return ()

    def expected(self, split: str, direction: Direction) -> list[str]:
        """Return the entry that is not there."""
        return [f"{split}: {{{direction}: …}} in data.files"]

    def holds(self, split: str, direction: Direction) -> bool:
        """Return whether the list has the direction."""
        return self.inputs(split, direction) is not None

    def pairs(self, split: str, direction: Direction) -> Iterator[Pair]:
        """Stream the pairs of the files, one pair of files after the other."""
        return (pair for _, _, pair in self.located(split, direction))

    def located(self, split: str, direction: Direction) -> Iterator[Located]:
        """Stream the pairs with the target's file and their line."""
        for source, target in self._pairs_of_files(split, direction):
            yield from ((target, line, pair) for line, pair in place_aligned(source, target))

    def notes(self) -> list[str]:
        """Return nothing: every file is named."""
        return []

    @property
    def renamed(self) -> dict[str, str]:
        """No codes: none is read from files."""
        return {}

    def describe(self) -> str:
        """Describe what there is if no direction was found."""
        listed = ", ".join(f"{split}: {', '.join(map(str, found))}" for split, found in self._files.items())
        return f"data.files lists no train files; it has {listed or 'nothing'}"

    def _pairs_of_files(self, split: str, direction: Direction) -> list[tuple[Path, Path]]:
        listed, turned = self._files.get(split, {}), Direction(direction.target, direction.source)
        if direction in listed:
            return [(self._root / source, self._root / target) for source, target in listed[direction]]
        return [(self._root / source, self._root / target) for target, source in listed.get(turned, [])]
