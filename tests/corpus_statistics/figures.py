"""Figures of small splits, for tests of what is made of them."""

from catscale.corpus_statistics.figures import Duplicates, Ratio, SideFigures, SplitFigures
from catscale.corpus_statistics.lengths import LengthSummary

LENGTHS = LengthSummary(6, 2.0, 2.0, 3, 3)
SIDE = SideFigures(("Latin",), LENGTHS, LENGTHS, None, 6, 0, 0, 0, 0)


def figures_of(pairs: int, sampled: float = 1) -> SplitFigures:
    """Return the figures of a split with so many pairs, all else the same."""
    duplicates = Duplicates(0, 0, 0, sampled)
    return SplitFigures(pairs, 0, pairs, SIDE, SIDE, Ratio(1.0, 1.0, None), duplicates, 0, None, None)
