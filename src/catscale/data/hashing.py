"""64-bit hashes of sentences, and sets of them at 8 bytes each.

Two different sentences share a hash with probability 5e-20; among 10 million lines a single false duplicate
is expected once in 400,000 corpora.
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
NONE: Hashes = np.empty(0, np.uint64)


def hash_sentences(language: str, sentences: Iterable[str]) -> Hashes:
    """Hash sentences together with their language, the same on every machine and in every process.

    Returns:
        (lines,) uint64; white space around a sentence does not count.
    """
    start = blake2b(f"{language}\t".encode(), digest_size=8)
    digests = []
    for sentence in sentences:
        digest = start.copy()
        digest.update(sentence.strip().encode("utf-8"))
        digests.append(digest.digest())
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def combine(first: Hashes, second: Hashes) -> Hashes:
    """Hash of the pair (first, second), elementwise: a x odd constant + b modulo 2^64."""
    return first * np.uint64(0x9E3779B97F4A7C15) + second


def is_in(values: Hashes, ordered: Hashes) -> NDArray[np.bool_]:
    """For each value, whether it stands in a sorted array."""
    if not ordered.size:
        return np.zeros(values.shape, np.bool_)
    places = np.minimum(np.searchsorted(ordered, values), ordered.size - 1)
    return np.asarray(ordered[places] == values)


class SeenHashes:
    """The hashes met so far: sorted arrays, each at least twice as long as the next (8 bytes a hash)."""

    def __init__(self) -> None:
        self._arrays: list[Hashes] = []

    def add(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Add hashes and say which of them are met for the first time.

        Returns:
            (lines,) bool.
        """
        new = np.zeros(hashes.shape, np.bool_)
        new[np.unique(hashes, return_index=True)[1]] = True
        for array in self._arrays:
            new[new] = ~is_in(hashes[new], array)
        if new.any():
            self._insert(np.sort(hashes[new]))
        return new

    def _insert(self, hashes: Hashes) -> None:
        self._arrays.append(hashes)
        while len(self._arrays) > 1 and self._arrays[-2].size < 2 * self._arrays[-1].size:
            last = self._arrays.pop()
            self._arrays[-1] = np.sort(np.concatenate([self._arrays[-1], last]), kind="stable")

    def ordered(self) -> Hashes:
        """All hashes, sorted."""
        return np.sort(np.concatenate([NONE, *self._arrays]))
