"""Counting one split of one direction, a block of pairs at a time.

Shapes: B pairs of a block.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catscale.corpus_statistics.characters import Integers, LineCounts, count_characters
from catscale.corpus_statistics.duplicates import MOST, DuplicateCounter
from catscale.corpus_statistics.examples import Places
from catscale.corpus_statistics.figures import Duplicates, Ratio, SideFigures, SplitFigures
from catscale.corpus_statistics.lengths import Lengths
from catscale.corpus_statistics.scripts import find_expected_scripts
from catscale.data.config import CleaningConfig
from catscale.data.direction import Direction
from catscale.data.pairs import Pair
from catscale.data.preparation.cleaning import is_empty, is_too_long, is_unbalanced
from catscale.data.preparation.hashing import Hashes, combine, hash_sentences


@dataclass(frozen=True)
class Block:
    """Some pairs of a split.

    Attributes:
        pairs: B pairs.
        pieces: (B,) pieces of each source and of each target; None where no vocabulary is at hand.
    """

    pairs: Sequence[Pair]
    pieces: tuple[NDArray[np.integer], NDArray[np.integer]] | None = None


class _Side:
    """Counts of one side."""

    def __init__(self, language: str) -> None:
        self.scripts = find_expected_scripts(language)
        self.words, self.characters, self.pieces = Lengths(), Lengths(), Lengths()
        self.letters = self.foreign_letters = self.foreign_lines = self.control_lines = self.empty = 0

    def add(self, lines: Sequence[str], pieces: NDArray[np.integer] | None) -> LineCounts:
        """Count lines."""
        counts = count_characters(lines, self.scripts)
        self.words.add(counts.words)
        self.characters.add(counts.characters)
        if pieces is not None:
            self.pieces.add(pieces)
        self.letters += counts.letters
        self.foreign_letters += counts.foreign_letters
        self.foreign_lines += counts.foreign_lines.size
        self.control_lines += counts.control_lines.size
        return counts

    def figures(self, with_pieces: bool) -> SideFigures:
        return SideFigures(
            self.scripts,
            self.words.summary(),
            self.characters.summary(),
            self.pieces.summary() if with_pieces else None,
            self.letters,
            self.foreign_letters if self.scripts else None,
            self.foreign_lines if self.scripts else None,
            self.control_lines,
            self.empty,
        )


class SplitCounter:
    """The figures of one split, but for its overlap.

    Args:
        direction: The languages of its two sides.
        rules: The cleaning that train pairs are tried on; None for other splits.
        most: Distinct lines up to which duplicates are counted exactly.

    Attributes:
        places: The places of the first faulty pairs in the stream.
    """

    def __init__(self, direction: Direction, rules: CleaningConfig | None = None, most: int = MOST) -> None:
        self._direction, self._rules = direction, rules
        self._sides = _Side(direction.source), _Side(direction.target)
        self._repeated = [DuplicateCounter(most) for _ in range(3)]  # sources, targets, pairs
        self._read = self._pairs = self._untranslated = self._too_long = self._unbalanced = 0
        self._with_pieces = False
        self.places = Places()

    def add(self, block: Block) -> tuple[Hashes, Hashes, Integers]:
        """Count a block.

        Returns:
            Of the pairs with two sides: hashes of the sources, of the targets, and places in the stream.
        """
        block, stream = self._drop_empty(block)
        sources, targets = [source for source, _ in block.pairs], [target for _, target in block.pairs]
        hashes = hash_sentences(self._direction.source, sources), hash_sentences(self._direction.target, targets)
        if block.pairs:
            self._pairs += len(block.pairs)
            self._with_pieces = block.pieces is not None
            source_pieces, target_pieces = block.pieces or (None, None)
            source, target = self._sides
            counts = source.add(sources, source_pieces), target.add(targets, target_pieces)
            for counter, found in zip(self._repeated, (*hashes, combine(*hashes)), strict=True):
                counter.add(found)
            untranslated = _find_untranslated(block.pairs, *(side.words for side in counts))
            self._untranslated += len(untranslated)
            self.places.add("untranslated", stream[untranslated].tolist())
            for kind, lines in (
                ("wrong_script", [side.foreign_lines for side in counts]),
                ("control", [side.control_lines for side in counts]),
            ):
                self.places.add(kind, stream[np.union1d(*lines)].tolist())
            self._try_cleaning(block.pairs, stream)
        return *hashes, stream

    def _drop_empty(self, block: Block) -> tuple[Block, Integers]:
        """Return the pairs with two sides, and their places in the stream."""
        keep = np.array([not is_empty(pair) for pair in block.pairs], np.bool_)
        stream = np.arange(self._read, self._read + len(block.pairs), dtype=np.int64)
        self._read += len(block.pairs)
        if keep.all():
            return block, stream
        self.places.add("empty", stream[~keep].tolist())
        for place in np.flatnonzero(~keep).tolist():
            for side, line in zip(self._sides, block.pairs[place], strict=True):
                side.empty += not line.strip()
        pieces = None if block.pieces is None else (block.pieces[0][keep], block.pieces[1][keep])
        return Block([block.pairs[place] for place in np.flatnonzero(keep).tolist()], pieces), stream[keep]

    def _try_cleaning(self, pairs: Sequence[Pair], stream: Integers) -> None:
        if self._rules is not None:
            long = np.array([is_too_long(pair, self._rules.max_length) for pair in pairs], np.bool_)
            uneven = np.array([is_unbalanced(pair, self._rules.max_ratio) for pair in pairs], np.bool_) & ~long
            self._too_long += int(np.count_nonzero(long))
            self._unbalanced += int(np.count_nonzero(uneven))
            self.places.add("too_long", stream[long].tolist())
            self.places.add("unbalanced", stream[uneven].tolist())

    def figures(self) -> SplitFigures:
        """Return the counts."""
        source, target = (side.figures(self._with_pieces) for side in self._sides)
        sources, targets, both = self._repeated
        sampled = min(counter.sampled for counter in self._repeated)
        return SplitFigures(
            read=self._read,
            empty=self._read - self._pairs,
            pairs=self._pairs,
            source=source,
            target=target,
            ratio=_ratio(source, target),
            duplicates=Duplicates(both.duplicates, sources.duplicates, targets.duplicates, sampled),
            untranslated=self._untranslated,
            too_long=None if self._rules is None else self._too_long,
            unbalanced=None if self._rules is None else self._unbalanced,
        )


def _find_untranslated(pairs: Sequence[Pair], source_words: Integers, target_words: Integers) -> list[int]:
    """Return the places of the pairs with the same words in the same order, letter case aside.

    Few are compared beyond the first word.
    """
    alike = ((place, *pairs[place]) for place in np.flatnonzero(source_words == target_words).tolist())
    return [
        place
        for place, source, target in alike
        if _first(source) == _first(target) and source.casefold().split() == target.casefold().split()
    ]


def _first(line: str) -> str:
    """Return the first word of a line that has one."""
    return line.split(None, 1)[0].casefold()


def _ratio(source: SideFigures, target: SideFigures) -> Ratio:
    def by(sources: int, targets: int) -> float | None:
        return targets / sources if sources else None

    pieces = None if source.pieces is None or target.pieces is None else by(source.pieces.total, target.pieces.total)
    words, characters = (source.words, target.words), (source.characters, target.characters)
    return Ratio(by(*(side.total for side in words)), by(*(side.total for side in characters)), pieces)
