"""What other seeds would have changed, beside what other test sentences would.

Legend: M methods, n_m runs (seeds) of method m, x_mi score of its i-th run, d difference of two methods' means.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

LEVEL = 0.95


@dataclass(frozen=True)
class SeedNoise:
    """How much a single run's score moves from seed to seed.

    Attributes:
        std: Standard deviation s, in the score's unit.
        freedom: Degrees of freedom of its estimate.
    """

    std: float
    freedom: int


def pool_seeds(scores: Sequence[Sequence[float]]) -> SeedNoise | None:
    """The spread between seeds that all methods of a table have in common.

        s² = Σ_m Σ_i (x_mi − x̄_m)² / ν,      ν = Σ_m (n_m − 1)

    the residual variance of a one-way analysis of variance. A method's own spread, of two or three runs, is too
    uncertain to be tested with.

    Args:
        scores: The scores of each method's runs.

    Returns:
        None where no method has two runs.

    Example:
        >>> pool_seeds([[1.0, 3.0], [5.0, 5.0], [7.0]])
        SeedNoise(std=1.0, freedom=2)
    """
    freedom = sum(len(of_method) - 1 for of_method in scores)
    if freedom < 1:
        return None
    squares = sum(float(np.square(np.asarray(of_method) - np.mean(of_method)).sum()) for of_method in scores)
    return SeedNoise((squares / freedom) ** 0.5, freedom)


def judge(
    difference: float, sentence_std: float, noise: SeedNoise, runs: int, base_runs: int
) -> tuple[float, tuple[float, float]]:
    """Whether a difference of means is more than other sentences and other seeds together would make.

        w = s² (1/n + 1/n₀),      v = σ² + w,      t = d / √v  with  ν v / w  degrees of freedom

    Seeds are not paired: what two methods make of the same seed has, after some hundred updates, nothing more in common
    than what they make of two. s is measured on the same test sentences and holds a part of σ, so that v is a little
    large. σ comes from many resamples and counts as known. Satterthwaite's degrees of freedom (1946) would then be
    ν (v / w)²; with s from two or three seeds they call 8% of differences that are none significant at 5%, those above
    4% to 6%, whichever of the two variances is the larger (`tests/comparison/test_seeds.py`).

    Args:
        difference: d.
        sentence_std: σ, the standard deviation of d over resampled sentences.
        noise: s and ν.
        runs: n, seeds of the one method.
        base_runs: n₀, of the other.

    Returns:
        The two-sided p-value of d = 0, and a 95% interval of d.

    Example:
        >>> p, (low, high) = judge(1.0, 0.3, SeedNoise(1.0, 2), 2, 2)
        >>> round(p, 2), round(low, 1), round(high, 1)
        (0.43, -2.9, 4.9)
    """
    of_seeds = noise.std**2 * (1 / runs + 1 / base_runs)
    total = sentence_std**2 + of_seeds
    if total == 0:
        return float(difference == 0), (difference, difference)
    freedom = np.inf if of_seeds == 0 else noise.freedom * total / of_seeds
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * total**0.5
    p_value = float(2 * stdtr(freedom, -abs(difference) / total**0.5))
    return p_value, (difference - half, difference + half)
