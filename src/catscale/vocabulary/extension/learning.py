"""New pieces for a language, learnt where the cutting by the old ones ends (BPE, continued).

Legend: N pieces to learn.
"""

import heapq
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from catscale.errors import ConfigError
from catscale.vocabulary.extension.content import Merge

LONGEST = 16
"""Characters of a new piece at most, as SentencePiece has it."""
RAREST = 2
"""Least occurrences of a new piece in the text."""
JOINERS = "\u200c\u200d"
SPACE = "▁"


@dataclass
class _Counts:
    """The pairs of neighbours in a text, and where they are.

    Attributes:
        words: The pieces of each distinct word, as far as they are merged.
        numbers: Occurrences of each word.
        pairs: Pair → occurrences.
        places: Pair → numbers of words that may hold it.
    """

    words: list[list[str]]
    numbers: list[int]
    pairs: Counter[Merge] = field(default_factory=Counter)
    places: dict[Merge, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index in range(len(self.words)):
            self._count(index, 1)

    def _count(self, index: int, sign: int) -> set[Merge]:
        """Add the pairs of a word, or take them away, and return them."""
        word, number = self.words[index], sign * self.numbers[index]
        found = list(pairwise(word))
        for pair in found:
            self.pairs[pair] += number
            if sign > 0:
                self.places.setdefault(pair, set()).add(index)
        return set(found)

    def merge(self, pair: Merge) -> set[Merge]:
        """Merge a pair wherever it is, from the left, and return the pairs that have become more."""
        grown: set[Merge] = set()
        for index in self.places.pop(pair):
            before = self._count(index, -1)
            self.words[index] = _join(self.words[index], pair)
            grown |= self._count(index, 1) - before
        del self.pairs[pair]
        return grown


def learn_merges(words: Mapping[tuple[str, ...], int], known: Iterable[str], wanted: int) -> list[Merge]:
    """Learn the merges of N new pieces from words that the old pieces cut.

    The pair of neighbours that occurs most often is merged next; of equals, the first by its letters: the same words
    give the same merges, in whatever order they come. A pair that would make a piece that is there already is never
    merged. So each new piece is made in one way, no old merge is possible once new ones are, and the tokenizer cuts the
    words to the very pieces that are left here. New pieces have letters and marks only, so that they do not glue
    punctuation, which all languages share, to words.

    Args:
        words: The pieces of a word → how often it occurs.
        known: All old pieces and tokens.
        wanted: N.

    Returns:
        The merges in the order in which they apply.

    Raises:
        ConfigError: If the text has fewer than N pairs to merge, with the number that it has.
    """
    order = sorted(words)
    counts = _Counts([list(word) for word in order], [words[word] for word in order])
    taken, merges = set(known), list[Merge]()
    heap = [(-number, pair) for pair, number in counts.pairs.items() if _may_be("".join(pair))]
    heapq.heapify(heap)
    while heap and len(merges) < wanted:
        noted, pair = heapq.heappop(heap)
        number = counts.pairs[pair]
        if number < RAREST or "".join(pair) in taken:
            continue
        if number < -noted:  # it has become rarer since
            heapq.heappush(heap, (-number, pair))
            continue
        merges.append(pair)
        taken.add("".join(pair))
        for other in counts.merge(pair):
            if _may_be("".join(other)):
                heapq.heappush(heap, (-counts.pairs[other], other))
    if len(merges) < wanted:
        raise ConfigError(
            f"pieces must be no more than the lines of the new languages give, found {wanted:,} for lines that give "
            f"{len(merges):,}; lower pieces to {len(merges)}, or give more text"
        )
    return merges


def _join(word: list[str], pair: Merge) -> list[str]:
    joined: list[str] = []
    place = 0
    while place < len(word):
        is_here = place + 1 < len(word) and (word[place], word[place + 1]) == pair
        joined.append("".join(pair) if is_here else word[place])
        place += 2 if is_here else 1
    return joined


def _may_be(piece: str) -> bool:
    """Return whether a piece may be learnt, if it is new."""
    text = piece.removeprefix(SPACE)
    return (
        bool(text)
        and len(piece) <= LONGEST
        and all(unicodedata.category(one)[0] in "LM" or one in JOINERS for one in text)
    )
