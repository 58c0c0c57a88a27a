"""The distribution of lengths: how many lines there are of each, which is little to keep and exact."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LengthSummary:
    """Lengths of many lines.

    Attributes:
        total: Their sum.
        mean: None where there is no line, as the others.
        median: The mean of the two in the middle where there are two.
        p95: 95th percentile, the smallest length that 95% of the lines do not exceed.
        longest: The longest.
    """

    total: int
    mean: float | None
    median: float | None
    p95: int | None
    longest: int | None


class Lengths:
    """Lengths met so far."""

    def __init__(self) -> None:
        self._lines_of: Counter[int] = Counter()

    def add(self, lengths: NDArray[np.integer]) -> None:
        """Add (lines,) lengths."""
        values, lines = np.unique(lengths, return_counts=True)
        self._lines_of.update(dict(zip(values.tolist(), lines.tolist(), strict=True)))

    def summary(self) -> LengthSummary:
        """Return the summary of all lengths so far.

        Example:
            >>> lengths = Lengths()
            >>> lengths.add(np.array([3, 1, 2, 10]))
            >>> lengths.summary()
            LengthSummary(total=16, mean=4.0, median=2.5, p95=10, longest=10)
        """
        if not self._lines_of:
            return LengthSummary(0, None, None, None, None)
        values = np.array(sorted(self._lines_of), np.int64)
        ends = np.cumsum([self._lines_of[value] for value in values.tolist()])
        count = int(ends[-1])

        def at(rank: int) -> int:
            """Return the length at a rank, counted from 0."""
            return int(values[np.searchsorted(ends, rank, side="right")])

        total = sum(length * lines for length, lines in self._lines_of.items())
        median = (at((count - 1) // 2) + at(count // 2)) / 2
        return LengthSummary(total, total / count, median, at(-(-95 * count // 100) - 1), int(values[-1]))
