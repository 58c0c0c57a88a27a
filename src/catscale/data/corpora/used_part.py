"""One of the corpora of a configuration, as it is used: which splits and directions, how much of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from catscale.data.corpora.source import CorpusSource
from catscale.data.corpus_config import CorpusPart
from catscale.data.direction import Direction
from catscale.data.pairs import Located, Pair


@dataclass(frozen=True)
class UsedPart:
    """One of the corpora, as it is used.

    Attributes:
        place: Its place in the list.
        config: Its settings.
        source: Its reader.
    """

    place: int
    config: CorpusPart
    source: CorpusSource

    def limit(self, split: str, direction: Direction) -> int | None:
        """Return how many pairs of a split are read at most; None for all of them."""
        return self.config.limit.get(str(direction)) if split == "train" else None

    def serves(self, direction: Direction) -> bool:
        """Return whether a direction is one of those that are taken from it."""
        return self.config.directions is None or str(direction) in self.config.directions

    @property
    def gives_held_out(self) -> bool:
        """Whether `data.holdout` may take sentences from it: not what has a tag and is used for train alone."""
        return self.config.tag is None or {"dev", "test"} <= set(self.config.use)

    def pairs(self, split: str, direction: Direction) -> Iterator[Pair]:
        """Stream the pairs of a split, as many as its limit allows."""
        return islice(self.source.pairs(split, direction), self.limit(split, direction))

    def located(self, split: str, direction: Direction) -> Iterator[Located]:
        """Stream the same pairs with their places."""
        return islice(self.source.located(split, direction), self.limit(split, direction))
