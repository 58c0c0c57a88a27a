"""Cleaning: the choice of the pairs that are kept, with a count of every reason for dropping one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from catscale.data.config import CleaningConfig
from catscale.data.direction import Direction
from catscale.data.pairs import Pair
from catscale.data.preparation.hashing import NONE, Hashes, SeenHashes, combine, hash_sentences, is_in

REASONS = ("empty", "too_long", "length_ratio", "duplicate", "overlap", "limit")
CHUNK = 50_000
CHARACTERS = 1 << 24  # of a chunk; a corpus of very long lines has shorter chunks
BLOCK = 100  # pairs that are counted at once
LONGEST_WORD = 64  # characters a word counts for at most, where a line without spaces is measured
INVISIBLE = "".join(
    chr(code)
    for code in (
        *range(0x21),
        *range(0x7F, 0xA1),
        0xAD,
        0x61C,
        0x1680,
        *range(0x2000, 0x2010),
        *range(0x2028, 0x2030),
        0x205F,
        *range(0x2060, 0x2070),
        0x3000,
        0xFEFF,
    )
)  # spaces, controls, marks of direction, joiners: a text of nothing else is empty to its reader
SHORT = 40  # characters, below which the length ratio says nothing


AnyPair = TypeVar("AnyPair", bound=tuple[Any, ...])
"""A pair, perhaps with more behind its two sides."""


def in_pair_chunks(pairs: Iterable[AnyPair]) -> Iterator[list[AnyPair]]:
    """Yield consecutive lists of up to `CHUNK` pairs and about `CHARACTERS` characters."""
    iterator, chunk, held = iter(pairs), list[AnyPair](), 0
    while block := list(islice(iterator, min(BLOCK, CHUNK - len(chunk)))):
        chunk += block
        held += sum(map(len, chain.from_iterable(pair[:2] for pair in block)))
        if len(chunk) >= CHUNK or held >= CHARACTERS:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


@dataclass
class Counts:
    """The counts of what happened to the pairs of one split of one direction.

    Attributes:
        read: Pairs in the files.
        dropped: Reason → pairs, in the order in which the reasons are tried.
        overlap: Train pairs with a side that is a source sentence of dev or test, dropped or not.
    """

    read: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))
    overlap: int = 0

    @property
    def kept(self) -> int:
        """Pairs that are left."""
        return self.read - sum(self.dropped.values())

    def to_json(self) -> dict[str, Any]:
        """Return a mapping that JSON can hold."""
        return {"read": self.read, "kept": self.kept, "dropped": dict(self.dropped), "overlap": self.overlap}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Counts":
        """Restore what `to_json` returned."""
        return cls(int(content["read"]), dict(content["dropped"]), int(content["overlap"]))

    def __add__(self, other: "Counts") -> "Counts":
        dropped = {reason: n + other.dropped[reason] for reason, n in self.dropped.items()}
        return Counts(self.read + other.read, dropped, self.overlap + other.overlap)


@dataclass(frozen=True)
class CleanChunk:
    """Pairs to keep, in their order, and the hashes of their sides.

    Attributes:
        pairs: n of them.
        sources: (n,) hashes of the sources.
        targets: (n,) hashes of the targets.
    """

    pairs: list[Pair]
    sources: Hashes
    targets: Hashes


def is_empty(pair: Pair) -> bool:
    """Return whether a side is only white space and invisible characters."""
    return not (pair[0].strip(INVISIBLE) and pair[1].strip(INVISIBLE))


def is_too_long(pair: Pair, limit: int) -> bool:
    """Return whether a side has more than `limit` words, or 64 times as many characters."""
    # n words need n - 1 spaces and n characters: short lines are not split at all
    longest = max(len(pair[0]), len(pair[1]))
    if longest < 2 * limit:
        return False
    return longest > LONGEST_WORD * limit or any(len(side.split()) > limit for side in pair)


def is_unbalanced(pair: Pair, limit: float) -> bool:
    """Return whether the longer side has more than 40 characters and `limit` times as many as the other."""
    source, target = len(pair[0].strip()), len(pair[1].strip())
    shorter, longer = min(source, target), max(source, target)
    return longer > SHORT and longer > limit * shorter


def drop_empty(pairs: Iterable[Pair], counts: Counts) -> Iterator[Pair]:
    """Pass on the pairs that have two sides: the only cleaning of dev and test."""
    for pair in pairs:
        counts.read += 1
        if is_empty(pair):
            counts.dropped["empty"] += 1
        else:
            yield pair


class Cleaner:
    """The cleaning of one direction's train split.

    Args:
        config: The rules.
        direction: The languages, part of the hashes.
        held_out: Sorted hashes of the source sentences of every dev and test split.
        forbidden: The sentences that must not be in train.
        limit: The most pairs to keep.
    """

    def __init__(
        self,
        config: CleaningConfig,
        direction: Direction,
        held_out: Hashes = NONE,
        forbidden: Hashes = NONE,
        limit: int | None = None,
    ) -> None:
        self.counts = Counts()
        self._config, self._direction = config, direction
        self._held_out, self._forbidden, self._limit = held_out, forbidden, limit
        self._seen, self._sound = SeenHashes(), 0

    def clean(self, pairs: Iterable[Pair]) -> Iterator[CleanChunk]:
        """Yield the pairs to keep, in their order, chunk by chunk."""
        for chunk in in_pair_chunks(pair for pair in pairs if not self._is_malformed(pair)):
            yield self._within_limit(self._drop_known(chunk))

    def _is_malformed(self, pair: Pair) -> bool:
        self.counts.read += 1
        reason = (
            "empty"
            if is_empty(pair)
            else "too_long"
            if is_too_long(pair, self._config.max_length)
            else "length_ratio"
            if is_unbalanced(pair, self._config.max_ratio)
            else None
        )
        if reason:
            self.counts.dropped[reason] += 1
        return reason is not None

    def _drop_known(self, pairs: list[Pair]) -> CleanChunk:
        sources = hash_sentences(self._direction.source, (source for source, _ in pairs))
        targets = hash_sentences(self._direction.target, (target for _, target in pairs))
        keep: NDArray[np.bool_] = np.ones(len(pairs), np.bool_)
        if self._config.drop_duplicates:
            keep = self._seen.add(combine(sources, targets))
            self.counts.dropped["duplicate"] += int((~keep).sum())
        self.counts.overlap += int((keep & self._touches(sources, targets, self._held_out)).sum())
        overlap = keep & self._touches(sources, targets, self._forbidden)
        self.counts.dropped["overlap"] += int(overlap.sum())
        kept = np.flatnonzero(keep & ~overlap)
        self._sound += len(kept)
        return CleanChunk([pairs[i] for i in kept], sources[kept], targets[kept])

    @staticmethod
    def _touches(sources: Hashes, targets: Hashes, held_out: Hashes) -> NDArray[np.bool_]:
        return np.asarray(is_in(sources, held_out) | is_in(targets, held_out))

    def _within_limit(self, chunk: CleanChunk) -> CleanChunk:
        excess = 0 if self._limit is None else min(len(chunk.pairs), max(0, self._sound - self._limit))
        if not excess:
            return chunk
        self.counts.dropped["limit"] += excess
        kept = len(chunk.pairs) - excess
        return CleanChunk(chunk.pairs[:kept], chunk.sources[:kept], chunk.targets[:kept])
