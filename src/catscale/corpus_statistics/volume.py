"""The amount of text in a corpus, from which sizes of a model and a training follow, at the cost of one reading."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction
from catscale.data.pairs import Pair
from catscale.data.preparation.cleaning import is_empty

LOOKED_AT = 200_000
"""Pairs of a direction whose characters and words are collected."""
WORDS = 100_000
"""Different words that are collected; more would decide nothing."""


@dataclass(frozen=True)
class Volume:
    """The train text of some directions.

    Attributes:
        pairs: Direction → pairs with two sides.
        characters: Direction → characters of the targets.
        alphabet: Different characters of both sides.
        words: Different words, at most `WORDS`.
    """

    pairs: dict[Direction, int]
    characters: dict[Direction, int]
    alphabet: int
    words: int

    @property
    def total(self) -> int:
        """The pairs of all directions."""
        return sum(self.pairs.values())


def measure_volume(corpus: Corpus, directions: Sequence[Direction]) -> Volume:
    """Count the train text of some directions.

    Args:
        corpus: The corpus.
        directions: The directions to count.

    Raises:
        DataError: If a file is faulty.
    """
    counter = _Counter()
    found = {direction: counter.count(corpus.pairs("train", direction)) for direction in directions}
    pairs, characters = ({d: each[place] for d, each in found.items()} for place in (0, 1))
    return Volume(pairs, characters, len(counter.alphabet), len(counter.words))


class _Counter:
    """Collects characters and words over several streams."""

    def __init__(self) -> None:
        self.alphabet: set[str] = set()
        self.words: set[str] = set()

    def count(self, pairs: Iterable[Pair]) -> tuple[int, int]:
        """Return the pairs of a stream, and the characters of their targets."""
        number = characters = 0
        for pair in pairs:
            if is_empty(pair):
                continue
            number += 1
            characters += len(pair[1])
            if number <= LOOKED_AT:
                self._collect(pair)
        return number, characters

    def _collect(self, pair: Pair) -> None:
        for line in pair:
            self.alphabet.update(line)
            if len(self.words) < WORDS:
                self.words.update(line.split())
