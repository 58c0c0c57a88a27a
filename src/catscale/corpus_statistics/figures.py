"""The figures of a corpus as plain data, which `stats.json` holds and every table reads."""

from dataclasses import dataclass

from catscale.corpus_statistics.examples import Example
from catscale.corpus_statistics.lengths import LengthSummary


@dataclass(frozen=True)
class SideFigures:
    """One side of a split.

    Attributes:
        scripts: Unicode scripts expected of the language; empty where it is not known.
        words: Lengths in words, which stand between white space.
        characters: Lengths in code points.
        pieces: Lengths in pieces of a vocabulary; None without one.
        letters: Letters in all.
        foreign_letters: Letters in none of the expected scripts; None where none are expected, as for the next.
        foreign_lines: Lines with more such letters than others.
        control_lines: Lines with a control character other than a tab.
        empty: Lines that are only white space; they count in no other figure.
    """

    scripts: tuple[str, ...]
    words: LengthSummary
    characters: LengthSummary
    pieces: LengthSummary | None
    letters: int
    foreign_letters: int | None
    foreign_lines: int | None
    control_lines: int
    empty: int


@dataclass(frozen=True)
class Duplicates:
    """Counts of repeats of earlier ones of the same split and direction, white space around a sentence aside.

    Attributes:
        pairs: Pairs with both sides the same.
        sources: Pairs with the same source.
        targets: Pairs with the same target.
        sampled: Share of the distinct lines that the counts rest on; 1 where they are exact.
    """

    pairs: int
    sources: int
    targets: int
    sampled: float


@dataclass(frozen=True)
class Overlap:
    """Counts of pairs of dev or test with a sentence found in the train data of any direction, on its
    language's side.

    Attributes:
        pairs: Pairs with either side there.
        sources: Pairs with the source there.
        targets: Pairs with the target there.
    """

    pairs: int
    sources: int
    targets: int


@dataclass(frozen=True)
class Ratio:
    """Length of all targets by that of all sources; None where there is nothing.

    Attributes:
        words: Lengths in words.
        characters: Lengths in code points.
        pieces: Lengths in pieces.
    """

    words: float | None
    characters: float | None
    pieces: float | None


@dataclass(frozen=True)
class SplitFigures:
    """One split of one direction. All but `read` and `empty` is of the pairs with two sides.

    Attributes:
        read: Pairs in the files.
        empty: Pairs of which a side is only white space or characters that nobody sees.
        pairs: The pairs with two sides.
        source: The source side.
        target: The target side.
        ratio: Target by source.
        duplicates: Repetitions.
        untranslated: Pairs whose target is the source, letter case and white space aside.
        too_long: Pairs of train that cleaning would drop for their length; None for other splits, as the next.
        unbalanced: Pairs of train that cleaning would drop then, for the ratio of their lengths.
        overlap: The overlap of dev and test with train.
        examples: The first lines of each kind of fault.
    """

    read: int
    empty: int
    pairs: int
    source: SideFigures
    target: SideFigures
    ratio: Ratio
    duplicates: Duplicates
    untranslated: int
    too_long: int | None
    unbalanced: int | None
    overlap: Overlap | None = None
    examples: tuple[Example, ...] = ()
