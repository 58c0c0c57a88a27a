"""A sample of lines for the vocabulary: every language's distinct lines, balanced by a temperature."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from catscale.data.formats.lines import in_chunks
from catscale.data.preparation.cleaning import CHUNK
from catscale.data.preparation.hashing import NONE, Hashes, HashFile, SeenHashes, distinct_pieces, is_in


@dataclass(frozen=True)
class HashedLines:
    """Lines of text that can be read more than once, and their hashes.

    Attributes:
        hashes: (lines,) of `hash_sentences`.
        read: Opens the stream of lines, without line ends, as UTF-8.
    """

    hashes: Hashes | HashFile
    read: Callable[[], Iterable[bytes]]


def quotas(sizes: Mapping[str, int], temperature: float, total: int) -> dict[str, int]:
    """Return the number of lines of each language: p ∝ size^(1/T), at least one.

    Args:
        sizes: Language → distinct lines.
        temperature: T; 1 keeps the proportions, a large T makes them equal.
        total: Lines wanted in all.

    >>> quotas({"en": 10_000, "gl": 100}, 2.0, 1100)
    {'en': 1000, 'gl': 100}
    """
    shares = {language: size ** (1 / temperature) for language, size in sizes.items() if size}
    scale = total / sum(shares.values())
    return {language: max(1, round(share * scale)) for language, share in shares.items()}


def balanced_sample(texts: Mapping[str, Sequence[HashedLines]], temperature: float, limit: int) -> Iterator[str]:
    """Yield a sample of lines in which small languages are repeated and large ones thinned out.

    A line that stands in several directions counts once; the lines with the smallest hashes are taken, so the
    sample depends on the text alone. Memory: some 16 bytes per line of the sample, whatever the size of the text.

    Args:
        texts: Language → its lines.
        temperature: The temperature of the shares.
        limit: Most lines in the sample; never more than there are distinct lines.
    """
    sizes = {language: sum(map(len, _distinct(lines))) for language, lines in texts.items()}
    wanted = quotas(sizes, temperature, min(limit, sum(sizes.values()))) if any(sizes.values()) else {}
    for language, quota in wanted.items():
        copies, rest = divmod(quota, sizes[language])
        for line in _repeat(texts[language], copies, _smallest(texts[language], rest)):
            yield line.decode("utf-8")


@dataclass(frozen=True)
class DistinctLines:
    """The distinct lines of a language, read anew by each iteration.

    Attributes:
        lines: The language's.
        most: The most lines; the first ones are taken.
    """

    lines: Sequence[HashedLines]
    most: int

    def __iter__(self) -> Iterator[str]:
        """Yield the lines."""
        return (line.decode("utf-8") for line in islice(_repeat(self.lines, 1, NONE), self.most))


def _distinct(lines: Sequence[HashedLines]) -> Iterator[Hashes]:
    return distinct_pieces([stream.hashes for stream in lines])


def _smallest(lines: Sequence[HashedLines], count: int) -> Hashes:
    found = [NONE]
    for piece in _distinct(lines) if count else ():
        found.append(piece[: count - sum(map(len, found))])
        if sum(map(len, found)) == count:
            break
    return np.concatenate(found)


def _repeat(lines: Sequence[HashedLines], copies: int, extra: Hashes) -> Iterator[bytes]:
    """Yield each distinct line `copies` times, those of `extra` once more."""
    seen = SeenHashes()
    for stream in lines:
        for number, chunk in enumerate(in_chunks(stream.read(), CHUNK)):
            hashes = stream.hashes[number * CHUNK : (number + 1) * CHUNK]
            once_more = is_in(hashes, extra)
            asked = np.arange(len(hashes)) if copies else np.flatnonzero(once_more)
            for i in asked[seen.add(hashes[asked])]:
                yield from [chunk[i]] * (copies + int(once_more[i]))


class EvenSample:
    """An even selection from a stream of unknown length: every n-th line, n doubling as the stream goes on.

    Args:
        most: Lines to hold at most.
    """

    def __init__(self, most: int) -> None:
        self.lines: list[str] = []
        self._most, self._step = most, 1

    def watch(self, lines: Iterable[str]) -> Iterator[str]:
        """Pass lines on and keep some of them."""
        for number, line in enumerate(lines):
            if number % self._step == 0:
                self.lines.append(line)
                if len(self.lines) > self._most:
                    self.lines, self._step = self.lines[::2], 2 * self._step
            yield line
