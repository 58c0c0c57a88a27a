"""Sentences end to end in one array: what a batch is filled from, without a step for each sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sentences:
    """B sentences of pieces, without tag and `</s>`.

    Attributes:
        ids: (pieces of all,) in the order of the sentences.
        lengths: (B,) pieces of each.
    """

    ids: NDArray[Any]
    lengths: NDArray[np.int32]

    @classmethod
    def join(cls, sentences: Sequence[Sequence[int] | NDArray[np.integer]]) -> "Sentences":
        """Put sentences that are given one by one end to end."""
        lengths = np.fromiter(map(len, sentences), np.int32, len(sentences))
        return cls(np.fromiter(chain.from_iterable(sentences), np.int64, int(lengths.sum())), lengths)

    def behind(self, first: int) -> "Sentences":
        """Return the sentences with one id more at the beginning of each."""
        starts = np.cumsum(self.lengths) - self.lengths
        return Sentences(np.insert(self.ids.astype(np.int64), starts, first), self.lengths + np.int32(1))


def places_of(starts: NDArray[np.int64], lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the places of runs of numbers that lie in a longer array.

    Args:
        starts: (B,) where each run begins.
        lengths: (B,) numbers of each.

    Returns:
        (sum of the lengths,) int64, run after run.

    Example:
        >>> places_of(np.array([7, 2]), np.array([2, 3])).tolist()
        [7, 8, 2, 3, 4]
    """
    ends = np.cumsum(lengths, dtype=np.int64)
    shift = np.repeat(starts - (ends - lengths), lengths)
    return shift + np.arange(len(shift), dtype=np.int64)
