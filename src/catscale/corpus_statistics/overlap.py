"""Overlap: sentences of dev and test that occur in the train data of some direction."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from catscale.corpus_statistics.figures import Overlap
from catscale.data.preparation.hashing import NONE, Hashes, is_in


def gather(hashes: Iterable[Hashes]) -> Hashes:
    """Return all hashes once, sorted: 8 bytes per distinct sentence of dev and test."""
    return np.unique(np.concatenate([NONE, *hashes]))


class Matches:
    """The held-out sentences that were met in train.

    Args:
        held_out: Sorted, distinct.
    """

    def __init__(self, held_out: Hashes) -> None:
        self._held_out = held_out
        self._met: NDArray[np.bool_] = np.zeros(held_out.shape, np.bool_)

    def add(self, hashes: Hashes) -> None:
        """Look up sentences of train."""
        met = hashes[is_in(hashes, self._held_out)]
        self._met[np.searchsorted(self._held_out, met)] = True

    @property
    def met(self) -> Hashes:
        """The held-out sentences that were met, sorted."""
        return self._held_out[self._met]


def count_overlap(
    sources: Sequence[Hashes], targets: Sequence[Hashes], met: Hashes
) -> tuple[Overlap, NDArray[np.intp]]:
    """Return the overlap of a split, and the places, among pairs with two sides, of those with a side met before.

    Args:
        sources: Hashes of its sources, block by block.
        targets: Hashes of its targets, block by block.
        met: Sentences that were met in train, sorted.
    """
    source, target = (is_in(np.concatenate([NONE, *blocks]), met) for blocks in (sources, targets))
    either = source | target
    overlap = Overlap(*(int(np.count_nonzero(found)) for found in (either, source, target)))
    return overlap, np.flatnonzero(either)
