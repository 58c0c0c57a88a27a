"""The text that the vocabulary is trained on: every language's distinct lines, balanced by a temperature."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from catscale.data.cleaning import CHUNK
from catscale.data.hashing import Hashes, SeenHashes, hash_sentences, is_in
from catscale.data.lines import in_chunks

Lines = Callable[[], Iterable[str]]  # opens the stream anew, for the second pass


def quotas(sizes: Mapping[str, int], temperature: float, total: int) -> dict[str, int]:
    """Lines of each language: p ∝ size^(1/T), at least one.

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


def balanced_sample(texts: Mapping[str, list[Lines]], temperature: float, limit: int) -> Iterator[str]:
    """Yield a sample of lines in which small languages are repeated and large ones thinned out.

    A line that stands in several directions counts once; the lines with the smallest hashes are taken, so the
    sample depends on the text alone. Memory: 8 bytes a distinct line, and no text.

    Args:
        texts: Language → the streams of its lines.
        temperature: Of the shares.
        limit: Most lines in the sample; never more than there are distinct lines.
    """
    hashes = {language: _distinct(language, streams) for language, streams in texts.items()}
    sizes = {language: ordered.size for language, ordered in hashes.items()}
    wanted = quotas(sizes, temperature, min(limit, sum(sizes.values()))) if any(sizes.values()) else {}
    for language, quota in wanted.items():
        copies, rest = divmod(quota, sizes[language])
        extra = hashes[language][:rest]
        yield from _repeat(language, texts[language], copies, extra)


def _repeat(language: str, streams: list[Lines], copies: int, extra: Hashes) -> Iterator[str]:
    seen = SeenHashes()
    for chunk in _chunks(streams):
        hashes = hash_sentences(language, chunk)
        times = np.where(seen.add(hashes), copies + is_in(hashes, extra), 0)
        for i in np.flatnonzero(times):
            yield from [chunk[i]] * int(times[i])


def _distinct(language: str, streams: list[Lines]) -> Hashes:
    seen = SeenHashes()
    for chunk in _chunks(streams):
        seen.add(hash_sentences(language, chunk))
    return seen.ordered()


def _chunks(streams: list[Lines]) -> Iterator[list[str]]:
    return in_chunks((line for stream in streams for line in stream()), CHUNK)


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
