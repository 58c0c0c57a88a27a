"""The sentences that are kept out of train, and dev and test splits made from train.

The hash of a source sentence decides: the smallest hashes of a direction are its test set, the next ones its
dev set. The same sentence has the same hash in every direction, so the sets of different directions overlap
as far as they can and little of train is lost.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from catscale.data.config import HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction, SplitOfDirection
from catscale.data.pairs import Pair
from catscale.data.preparation.cleaning import in_pair_chunks, is_empty
from catscale.data.preparation.hashing import NONE, Hashes, SeenHashes, SmallestHashes, hash_sentences, is_in

LARGEST_SHARE = 10  # a constructed split takes at most a tenth of a direction


@dataclass(frozen=True)
class HeldOut:
    """Source sentences of the dev and test splits, as sorted hashes.

    Attributes:
        constructed: (split, direction) → the sentences of a split that is made from train.
        all: Sentences of every dev and test split.
    """

    constructed: dict[SplitOfDirection, Hashes]
    all: Hashes

    @property
    def from_train(self) -> Hashes:
        """Sentences of the constructed splits."""
        return np.unique(np.concatenate([NONE, *self.constructed.values()]))


def gather(found: Iterable[HeldOut]) -> HeldOut:
    """Put together what `find_held_out` found in all directions."""
    constructed: dict[SplitOfDirection, Hashes] = {}
    everything = [NONE]
    for held_out in found:
        constructed |= held_out.constructed
        everything.append(held_out.all)
    return HeldOut(constructed, np.unique(np.concatenate(everything)))


def find_held_out(corpus: Corpus, direction: Direction, config: HoldoutConfig | None) -> HeldOut:
    """Choose a direction's constructed splits, and collect the sentences of all its dev and test splits."""
    constructed: dict[SplitOfDirection, Hashes] = {}
    made = corpus.made_splits(direction) if config is not None else ()
    if config is not None and made:
        config = config.model_copy(update={split: 0 for split in ("dev", "test") if split not in made})
        # beyond this many distinct sources a tenth of them is no limit any more
        enough = max(LARGEST_SHARE * max(config.dev, config.test), config.dev + config.test)
        dev, test = choose(_source_hashes(corpus.pairs_to_hold_out(direction), direction, enough), config)
        constructed |= {("dev", direction): dev} if dev.size else {}
        constructed |= {("test", direction): test} if test.size else {}
    everything = [NONE, *constructed.values()]
    for split in ("dev", "test"):
        if split not in made and corpus.has_split(split, direction):
            everything.append(_source_hashes(corpus.pairs(split, direction), direction))
    return HeldOut(constructed, np.unique(np.concatenate(everything)))


def choose(hashes: Hashes, config: HoldoutConfig) -> tuple[Hashes, Hashes]:
    """Divide the smallest of a direction's distinct source hashes into dev and test.

    Args:
        hashes: Sorted, distinct.
        config: Sentences wanted; at most a tenth of `hashes` is given to each, at least one, but one is left to train:
            of two, dev has one and test none.

    Returns:
        Hashes of dev and of test, sorted.
    """
    most = max(1, hashes.size // LARGEST_SHARE)
    n_dev = min(config.dev, most, max(0, hashes.size - 1))
    n_test = min(config.test, most, max(0, hashes.size - 1 - n_dev))
    return hashes[n_test : n_test + n_dev], hashes[:n_test]


def select(pairs: Iterable[Pair], direction: Direction, chosen: Hashes) -> Iterator[Pair]:
    """Yield the pairs of a constructed split: the first one of each chosen source sentence."""
    seen = SeenHashes()
    for chunk in _sound_chunks(pairs):
        hashes = hash_sentences(direction.source, (source for source, _ in chunk))
        mine = np.flatnonzero(is_in(hashes, chosen))
        yield from (chunk[i] for i in mine[seen.add(hashes[mine])])


def _source_hashes(pairs: Iterable[Pair], direction: Direction, most: int = 1 << 62) -> Hashes:
    smallest = SmallestHashes(most)
    for chunk in _sound_chunks(pairs):
        smallest.add(hash_sentences(direction.source, (source for source, _ in chunk)))
    return smallest.ordered()


def _sound_chunks(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    return in_pair_chunks(pair for pair in pairs if not is_empty(pair))
