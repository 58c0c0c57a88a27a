"""Correction of p-values for their number."""

from collections.abc import Sequence

SIGNIFICANCE = 0.05
"""Corrected p-values below it are significant."""


def explain_too_few(resamples: int, comparisons: int) -> str:
    """Say that no difference can be significant: not even the smallest p-value of a bootstrap, 1 / (B + 1).

    Args:
        resamples: B.
        comparisons: The number that is corrected for.

    Returns:
        The reason and the way out; nothing where a difference can be significant.

    Example:
        >>> explain_too_few(1000, 12)
        ''
        >>> explain_too_few(100, 12)
        'with 100 resamples none can be significant: the least p-value, 1/101, times 12 is 0.12; give --resamples 240'
    """
    least = comparisons / (resamples + 1)
    if least < SIGNIFICANCE:
        return ""
    enough = round(comparisons / SIGNIFICANCE)
    return (
        f"with {resamples:,} resamples none can be significant: the least p-value, 1/{resamples + 1}, times "
        f"{comparisons} is {least:.2g}; give --resamples {enough}"
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Apply Holm's step-down correction: the chance of one false finding or more among all stays below the level.

    Sorted p_(1) ≤ … ≤ p_(m): corrected p_(i) = max_{j ≤ i} min(1, (m − j + 1) p_(j)). No assumption on how the tests
    depend on each other. Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979.

    Args:
        p_values: m values from 0 to 1.

    Returns:
        The corrected values, in the same order.

    Example:
        >>> holm([0.04, 0.01, 0.5])
        [0.08, 0.03, 0.5]
    """
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected
