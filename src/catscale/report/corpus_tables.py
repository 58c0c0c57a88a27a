"""The tables of a corpus' statistics, for the terminal and for the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from catscale.corpus_statistics.corpus import CorpusStatistics
from catscale.corpus_statistics.figures import SideFigures, SplitFigures
from catscale.corpus_statistics.lengths import LengthSummary

NONE = "–"
LENGTHS = "mean / median / 95th percentile / longest"


@dataclass(frozen=True)
class Grid:
    """A table of texts.

    Attributes:
        title: A short statement of what it shows.
        head: The heads of the columns; the first one names the row.
        groups: Rows that belong together: those of one direction.
    """

    title: str
    head: list[str]
    groups: list[list[list[str]]]


def make_grids(statistics: CorpusStatistics) -> list[Grid]:
    """Return grids of sizes and lengths in words, in pieces where they were counted, and of what may be wrong."""
    with_pieces = [_lengths(statistics, "pieces")] if statistics.vocabulary is not None else []
    return [_lengths(statistics, "words"), _lengths(statistics, "characters"), *with_pieces, _faults(statistics)]


def _rows(statistics: CorpusStatistics) -> Iterator[list[tuple[list[str], SplitFigures]]]:
    for direction, splits in statistics.directions.items():
        yield [([direction, split], figures) for split, figures in splits.items()]


def _lengths(statistics: CorpusStatistics, unit: str) -> Grid:
    head = ["direction", "split", "pairs", f"source {unit}", f"target {unit}", "target / source"]
    head += ["length of a source", "length of a target"]
    groups = [[name + _length_cells(figures, unit) for name, figures in rows] for rows in _rows(statistics)]
    return Grid(f"Sizes and lengths in {unit} ({LENGTHS})", head, groups)


def _length_cells(figures: SplitFigures, unit: str) -> list[str]:
    source, target = (_in_unit(side, unit) for side in (figures.source, figures.target))
    ratio: float | None = getattr(figures.ratio, unit)
    totals = [f"{figures.pairs:,}", f"{source.total:,}", f"{target.total:,}"]
    return [*totals, NONE if ratio is None else f"{ratio:.2f}", _summary(source), _summary(target)]


def _in_unit(side: SideFigures, unit: str) -> LengthSummary:
    return getattr(side, unit) or LengthSummary(0, None, None, None, None)


def _summary(lengths: LengthSummary) -> str:
    if lengths.mean is None:
        return NONE
    return f"{lengths.mean:.1f} / {lengths.median:g} / {lengths.p95} / {lengths.longest:,}"


def _faults(statistics: CorpusStatistics) -> Grid:
    head = ["direction", "split", "empty", "equal pairs", "equal sources", "equal targets", "in train"]
    head += ["untranslated", "wrong script, source", "wrong script, target", "control", "too long", "unbalanced"]
    groups = [[name + _fault_cells(figures) for name, figures in rows] for rows in _rows(statistics)]
    return Grid("What may be wrong", head, groups)


def _fault_cells(figures: SplitFigures) -> list[str]:
    pairs, repeated = figures.pairs, figures.duplicates
    about = "" if repeated.sampled == 1 else "≈ "
    overlap = None if figures.overlap is None else figures.overlap.pairs
    control = max(figures.source.control_lines, figures.target.control_lines)
    return [
        count_of(figures.empty, figures.read),
        *(about + count_of(found, pairs) for found in (repeated.pairs, repeated.sources, repeated.targets)),
        count_of(overlap, pairs),
        count_of(figures.untranslated, pairs),
        _script(figures.source),
        _script(figures.target),
        *(count_of(found, pairs) for found in (control, figures.too_long, figures.unbalanced)),
    ]


def count_of(count: int | None, total: int) -> str:
    """Return a count with its share; a dash for what was not asked.

    Example:
        >>> count_of(25, 1000), count_of(0, 1000), count_of(1, 100_000), count_of(None, 10)
        ('25 (2.5%)', '0', '1 (<0.1%)', '–')
    """
    if count is None:
        return NONE
    return f"{count:,} ({share_of(count, total)})" if count else "0"


def share_of(count: int, total: int) -> str:
    """Return a share in per cent, which is 0 for nothing alone."""
    share = count / total if total else 0.0
    return "0%" if not count else "<0.1%" if share < 0.001 else f"{share:.1%}"


def _script(side: SideFigures) -> str:
    """Return the letters outside the language's scripts, and the lines in which they are more than half."""
    if side.foreign_letters is None:
        return NONE
    lines = f", {side.foreign_lines:,} line{'s' if side.foreign_lines > 1 else ''}" if side.foreign_lines else ""
    return f"{share_of(side.foreign_letters, side.letters)}{lines}"
