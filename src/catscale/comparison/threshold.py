"""Scores below which a model does not translate yet, so that differences say nothing."""

from collections.abc import Sequence
from dataclasses import replace

from catscale.comparison.result import Row
from catscale.evaluation.metrics.table import METRICS


def is_too_low(row: Row, baseline: Row) -> bool:
    """Return whether neither of two scores is that of a model that translates."""
    least = METRICS[row.metric].least
    return least is not None and max(row.mean, baseline.mean) < least


def without_chance(rows: Sequence[Row], baseline: str) -> list[Row]:
    """Return the rows, in which no difference of two methods that do not translate yet counts as significant.

    Args:
        rows: The rows of all metrics and methods.
        baseline: Name of the method that the others are compared with.
    """
    base = {(row.metric, row.over): row for row in rows if row.method == baseline}
    return [
        replace(row, difference=replace(row.difference, significant=False))
        if row.difference is not None and is_too_low(row, base[row.metric, row.over])
        else row
        for row in rows
    ]
