"""The tags of cleaned pairs, as runs: how many pairs in a row are of corpora with one tag.

Corpora are cleaned one after the other, so that a few runs tell the tag of every pair that is kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any

from catscale.data.preparation.cleaning import CleanChunk

TaggedChunk = tuple[str | None, CleanChunk]
"""The tag of a corpus, and cleaned pairs of it."""


class TagRuns:
    """Counts cleaned pairs by tag, in their order."""

    def __init__(self) -> None:
        self._runs: list[tuple[str | None, int]] = []

    def watch(self, chunks: Iterable[TaggedChunk]) -> Iterator[CleanChunk]:
        """Pass on chunks, and take note of their tags."""
        for tag, chunk in chunks:
            same = bool(self._runs) and self._runs[-1][0] == tag
            count = self._runs.pop()[1] if same else 0
            self._runs.append((tag, count + len(chunk.pairs)))
            yield chunk

    def to_json(self) -> list[list[Any]]:
        """Return pairs of a tag, null for none, and a number."""
        return [list(run) for run in self._runs]


def read_runs(runs: Sequence[Sequence[Any]], start: int) -> Iterator[str | None]:
    """Return the tag of each pair from a place on.

    Example:
        >>> list(read_runs([[None, 2], ["bt", 2]], 1))
        [None, 'bt', 'bt']
    """
    return islice(chain.from_iterable(repeat(tag, count) for tag, count in runs), start, None)
