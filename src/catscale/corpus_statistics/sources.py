"""The sources of pairs: the files of a corpus, or a token store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from catscale.corpus_statistics.split import Block
from catscale.data.config import CleaningConfig
from catscale.data.corpora.corpus import SPLITS, Corpus
from catscale.data.direction import Direction, SplitOfDirection
from catscale.data.pairs import Located, Pair
from catscale.data.store.store import Store
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.table import load_existing

BLOCK_PAIRS, BLOCK_CHARACTERS = 20_000, 5_000_000  # whichever comes first


class PairSource(Protocol):
    """Pairs by split and direction; goes to other processes as it is."""

    def parts(self) -> list[SplitOfDirection]:
        """Return the parts that there are."""
        ...

    def rules(self, part: SplitOfDirection) -> CleaningConfig | None:
        """Return the cleaning that is to come, for train files."""
        ...

    def size(self, part: SplitOfDirection) -> int:
        """Estimate the work of a part, so that the largest can begin first."""
        ...

    def blocks(self, part: SplitOfDirection) -> Iterator[Block]:
        """Stream the pairs."""
        ...

    def located(self, part: SplitOfDirection) -> Iterator[Located]:
        """Stream the pairs with their places, to show some of them."""
        ...


@dataclass(frozen=True)
class CorpusTexts:
    """The files of a corpus.

    Attributes:
        corpus: Their reader.
        directions: The directions among them.
        model: A vocabulary's folder, or the file of a SentencePiece model, that counts pieces; None for none.
    """

    corpus: Corpus
    directions: tuple[Direction, ...]
    model: Path | None = None

    def parts(self) -> list[SplitOfDirection]:
        """Return the splits that come as files."""
        made = self.corpus.made_splits
        found = [(split, d) for d in self.directions for split in SPLITS if split not in made(d)]
        return [part for part in found if part[0] == "train" or self.corpus.has_split(*part)]

    def rules(self, part: SplitOfDirection) -> CleaningConfig | None:
        """Return the configuration's rules, for train."""
        return self.corpus.config.cleaning if part[0] == "train" else None

    def size(self, part: SplitOfDirection) -> int:
        """Return the bytes of its files."""
        return sum(path.stat().st_size for path in set(self.corpus.files(*part)))

    def blocks(self, part: SplitOfDirection) -> Iterator[Block]:
        """Yield the pairs of the files; of train as many as `data.limit` allows."""
        limit = self.corpus.config.limit.get(str(part[1])) if part[0] == "train" else None
        for pairs in cut_blocks(islice(self.corpus.pairs(*part), limit)):
            yield Block(pairs, None if self.model is None else self._count_pieces(pairs, self.model))

    def located(self, part: SplitOfDirection) -> Iterator[Located]:
        """Yield the same pairs, with file and line."""
        return self.corpus.located(*part)

    @staticmethod
    def _count_pieces(pairs: list[Pair], model: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        sides = [load_pieces(model).encode([pair[side] for pair in pairs]) for side in (0, 1)]
        source, target = (np.fromiter(map(len, ids), np.int64, len(ids)) for ids in sides)
        return source, target


@dataclass(frozen=True)
class StoreTexts:
    """A token store, whose text is what its pieces decode to: normalised as SentencePiece does it.

    Attributes:
        folder: The store's.
    """

    folder: Path

    def parts(self) -> list[SplitOfDirection]:
        """Return the store's splits."""
        store = open_store(self.folder)
        found = [(split, direction) for direction in store.directions for split in SPLITS]
        return [part for part in found if store.has_split(*part)]

    def rules(self, part: SplitOfDirection) -> CleaningConfig | None:
        """Return None: the pairs are cleaned."""
        return None

    def size(self, part: SplitOfDirection) -> int:
        """Return the number of pairs."""
        return len(open_store(self.folder).split(*part))

    def blocks(self, part: SplitOfDirection) -> Iterator[Block]:
        """Yield the decoded pairs and their pieces."""
        store = open_store(self.folder)
        pairs, decode = store.split(*part), store.vocabulary.decode
        for start in range(0, len(pairs), BLOCK_PAIRS):
            places = range(start, min(start + BLOCK_PAIRS, len(pairs)))
            sources = decode(pairs.source(i).tolist() for i in places)
            targets = decode(pairs.target(i).tolist() for i in places)
            within = slice(places.start, places.stop)
            lengths = pairs.source_lengths[within], pairs.target_lengths[within]
            yield Block(list(zip(sources, targets, strict=True)), lengths)

    def located(self, part: SplitOfDirection) -> Iterator[Located]:
        """Yield the same pairs, with the split's name in the store and their number."""
        place, number = f"{self.folder}, {part[0]} of {part[1]}", 0
        for block in self.blocks(part):
            for pair in block.pairs:
                number += 1
                yield place, number, pair


def cut_blocks(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Yield blocks of 20,000 pairs, or of 5 million characters where lines are long."""
    block: list[Pair] = []
    characters = 0
    for pair in pairs:
        block.append(pair)
        characters += len(pair[0]) + len(pair[1])
        if len(block) == BLOCK_PAIRS or characters >= BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block


@cache
def load_pieces(model: Path) -> Vocabulary:
    """Read what cuts text into pieces, once per process.

    Raises:
        DataError: If it is no vocabulary.
    """
    return load_existing(model)


@cache
def open_store(folder: Path) -> Store:
    """Return a store, opened once per process.

    Raises:
        DataError: If it is none, or damaged.
    """
    return Store.open(folder)
