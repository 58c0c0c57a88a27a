"""Counts of lines that repeat an earlier one: exact for millions of distinct lines, then estimated on a sample of
them."""

import numpy as np

from catscale.data.preparation.hashing import NONE, Hashes

MOST = 2**22
"""Distinct lines that are held, at 8 bytes each; up to here the count is exact."""
WAITING = 2**18  # hashes that are sorted into the held ones at once, at least
LEVELS = 32


class DuplicateCounter:
    """Counts lines that repeat an earlier one, by their hashes.

    Where more than `most` are distinct, only hashes below 2^64 / 2^n are held, n rising as needed: an even sample of
    the distinct lines, with all repetitions of each. The share of repetitions among the sample's lines stands for that
    of all lines. What a corpus without repetitions gives is exactly 0, sampled or not.

    Args:
        most: Distinct hashes to hold at most.
    """

    def __init__(self, most: int = MOST) -> None:
        self.lines = 0
        self._most, self._level = most, 0
        self._lines_below = np.zeros(LEVELS, np.int64)  # by level: lines whose hash the sample of that level holds
        self._held: Hashes = NONE
        self._waiting: list[Hashes] = []

    def add(self, hashes: Hashes) -> None:
        """Add (lines,) uint64 hashes."""
        self.lines += hashes.size
        self._lines_below += [np.count_nonzero(hashes <= _highest(level)) for level in range(LEVELS)]
        self._waiting.append(hashes[hashes <= _highest(self._level)])
        if sum(array.size for array in self._waiting) >= max(WAITING, self._held.size // 2):
            self._merge()

    @property
    def sampled(self) -> float:
        """Share of the distinct lines that the count rests on: 1 where it is exact."""
        self._merge()
        return 0.5**self._level

    @property
    def duplicates(self) -> int:
        """Lines that repeat an earlier one; an estimate where `sampled` is below 1."""
        self._merge()
        sample = int(self._lines_below[self._level])
        return round(self.lines * (sample - self._held.size) / sample) if sample else 0

    def _merge(self) -> None:
        ordered = np.sort(np.concatenate([self._held, *self._waiting]))
        first = np.ones(ordered.size, np.bool_)
        first[1:] = ordered[1:] != ordered[:-1]
        self._held, self._waiting = ordered[first], []
        while self._held.size > self._most and self._level < LEVELS - 1:
            self._level += 1
            self._held = self._held[: np.searchsorted(self._held, _highest(self._level), side="right")].copy()


def _highest(level: int) -> np.uint64:
    """Return the largest hash that the sample of a level holds."""
    return np.uint64((1 << (64 - level)) - 1)
