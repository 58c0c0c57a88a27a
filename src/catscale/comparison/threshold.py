"""The BLEU below which a model does not translate yet, so that differences in BLEU say nothing."""

from collections.abc import Sequence
from dataclasses import replace

from catscale.comparison.result import Row

LEAST_BLEU = 1.0
"""Chance scores nearly as much: on FLORES-101 one reference in the place of all of them has a BLEU of 0.3 to 0.6, the
references of other sentences 0.1 to 0.2 (`tests/comparison/test_threshold.py`), those of the next sentence of the same
text 0.7 to 1.2."""


def is_too_low(row: Row, baseline: Row) -> bool:
    """Return whether neither of two BLEUs is that of a model that translates."""
    return row.metric == "bleu" and max(row.mean, baseline.mean) < LEAST_BLEU


def without_chance(rows: Sequence[Row], baseline: str) -> list[Row]:
    """Return the rows, in which no difference of two methods that do not translate yet counts as significant.

    Args:
        rows: Of all metrics and methods.
        baseline: Name of the method that the others are compared with.
    """
    base = {(row.metric, row.over): row for row in rows if row.method == baseline}
    return [
        replace(row, difference=replace(row.difference, significant=False))
        if row.difference is not None and is_too_low(row, base[row.metric, row.over])
        else row
        for row in rows
    ]
