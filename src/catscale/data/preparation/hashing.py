"""64-bit hashes of sentences, and sets of them at 8 bytes each.

Two different sentences share a hash with probability 5e-20; among 10 million lines a single false duplicate
is expected once in 400,000 corpora.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

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
    """Return for each value whether it is in a sorted array."""
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
            merged = np.concatenate([self._arrays.pop(), last])
            merged.sort(kind="stable")
            self._arrays.append(merged)


class HashFile:
    """Hashes in a file, read a part at a time: less stays in memory than of a memory map.

    Args:
        path: Holds uint64 numbers and nothing else.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.size = path, path.stat().st_size // 8

    def __getitem__(self, part: slice) -> Hashes:
        start, stop, _ = part.indices(self.size)
        return np.fromfile(self.path, np.uint64, max(0, stop - start), offset=8 * start)


class SmallestHashes:
    """The smallest distinct hashes met so far, a bounded number of them.

    Args:
        most: The most hashes to hold.
    """

    def __init__(self, most: int) -> None:
        self._most, self._waiting, self._held = most, list[Hashes](), NONE

    def add(self, hashes: Hashes) -> None:
        """Take note of hashes."""
        full = self._held.size == self._most
        self._waiting.append(hashes[hashes < self._held[-1]] if full and self._most else hashes)
        if sum(map(len, self._waiting)) >= self._most:
            self._merge()

    def ordered(self) -> Hashes:
        """Return the smallest of them, ascending; all if there are not more than wanted."""
        self._merge()
        return self._held

    def _merge(self) -> None:
        self._held = np.unique(np.concatenate([self._held, *self._waiting]))[: self._most]
        self._waiting = []


def distinct_pieces(arrays: Sequence[Hashes | HashFile], most: int = 1 << 22) -> Iterator[Hashes]:
    """Yield the distinct values of arrays too large to be joined, ascending, in pieces of about `most` values.

    Args:
        arrays: Arrays that are read once per piece.
        most: Values of a piece, where they are spread evenly as hashes are.
    """
    pieces = max(1, -(-sum(array.size for array in arrays) // most))
    edges = [piece * 2**64 // pieces for piece in range(pieces)]
    for low, high in zip(edges, [*edges[1:], 2**64], strict=True):
        yield np.unique(np.concatenate([NONE, *(part for a in arrays for part in _between(a, low, high - 1, most))]))


def _between(array: Hashes | HashFile, low: int, high: int, most: int) -> Iterator[Hashes]:
    for start in range(0, array.size, most):
        part = array[start : start + most]
        yield part[(part >= np.uint64(low)) & (part <= np.uint64(high))]
