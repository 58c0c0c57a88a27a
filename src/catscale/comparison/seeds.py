"""Whether two methods differ by more than other seeds and other test sentences would make.

Legend: n runs (seeds) of a method, s² variance of their scores, d difference of two methods' means.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammainccinv, gammaincinv, ndtr, stdtr, stdtrit

from catscale.comparison.correction import SIGNIFICANCE

EXTRA = 0.5
"""c of `judge`: Welch's own degrees of freedom are those of c = 0."""
JUST_BELOW = 0.999 * SIGNIFICANCE
LOGITS = np.arange(-36, 36.25, 0.25)
"""The number of probabilities at which the variance over seeds is looked at: the trapezoidal rule in them ends within
1e-6."""


@dataclass(frozen=True)
class Seeds:
    """The estimates of a method's other seeds from its runs.

    Attributes:
        runs: n, of two or more.
        variance: s², between the runs' scores on one test set, in the score's unit squared.
        sentences: The sentences' share of s², by the bootstrap (`catscale.comparison.resampling`): what would move one
            run against the others on another test set.
    """

    runs: int
    variance: float
    sentences: float = 0.0

    @classmethod
    def of(cls, scores: Sequence[float], sentences: float = 0.0) -> "Seeds | None":
        """Return what the scores of a method's runs say; None of a single run, which says nothing.

        Example:
            >>> Seeds.of([1.0, 3.0])
            Seeds(runs=2, variance=2.0, sentences=0.0)
        """
        return None if len(scores) < 2 else cls(len(scores), float(np.var(scores, ddof=1)), sentences)


def judge(difference: float, sentence_std: float, ours: Seeds, theirs: Seeds) -> tuple[float, tuple[float, float]]:
    """Test a difference of two methods' means against other sentences and other seeds together.

        w_m = s_m² / n_m,    w = w_1 + w_2,    C = max(0, σ² − Σ_m (sentences' share)_m / n_m),    t = d / √(C + w)
        ν = w² / Σ_m (w_m² / (n_m − 1 + c)) − c,    x = C / w,    t has  ν + (ν − 1) x + x² / 6  degrees of freedom

    Only the two methods that are compared count: how others of a table spread says nothing of them. Their spreads may
    differ, as in Welch's test (1947), which this is for C = 0 and c = 0. s² is measured on one test set, so that it
    holds what sentences do to a single run; σ contains it too, and it is taken out there, so that it counts once. C,
    what sentences do to all runs of a method alike, comes from many resamples and counts as known.

    Differences from Welch's test: c = 1/2, and the terms in x. With two seeds Welch's test finds 2.3% of equal methods
    different in place of 5% where both spread alike, and Satterthwaite's formula with C as a term of known variance 12%
    where one spreads five times as much. The two corrections are not derived but chosen by simulation: with 2, 3, 5 or
    10 seeds, spreads in a ratio of 1 to 5, and sentences that move d from not at all to twice as much as a seed moves
    a score, 3% to 7% are found (`benchmarks/significance.py`). Where the one has two seeds, spreads five times as much
    and the other has three or more, it is 10%, as with Welch's test: give both as many seeds.

    A p-value below 0.05, as the correction for many comparisons asks for, is at least that of a normal and a Student
    variable together, P(|√C Z + √w T_ν| ≥ |d|), so far as this is below 0.05 itself: where two or three seeds happen to
    lie side by side, w is far too small, and t alone would find p < 0.001 in up to 1.4% of equal methods.

    Args:
        difference: d.
        sentence_std: σ, the standard deviation of d over resampled sentences.
        ours: The seeds of the one method.
        theirs: The seeds of the other.

    Returns:
        The two-sided p-value of d = 0, and a 95% interval of d.

    Example:
        >>> p, (low, high) = judge(1.0, 0.3, Seeds(3, 0.5), Seeds(3, 1.5))
        >>> round(p, 3), round(low, 2), round(high, 2)
        (0.317, -1.46, 3.46)
    """
    shares = ours.variance / ours.runs, theirs.variance / theirs.runs
    seeds = sum(shares)
    single = ours.sentences / ours.runs + theirs.sentences / theirs.runs
    common = max(0.0, sentence_std**2 - single)
    if seeds + common == 0:
        return float(difference == 0), (difference, difference)
    std = (common + seeds) ** 0.5
    of_seeds, freedom = _count_freedom(shares, (ours.runs, theirs.runs), common)
    half = float(stdtrit(freedom, 1 - SIGNIFICANCE / 2)) * std
    p_value = float(2 * stdtr(freedom, -abs(difference) / std))
    if p_value < SIGNIFICANCE and of_seeds < float("inf"):
        p_value = max(p_value, min(_p_of_sum(abs(difference), common, seeds, of_seeds), JUST_BELOW))
    return p_value, (difference - half, difference + half)


def _count_freedom(shares: tuple[float, float], runs: tuple[int, int], common: float) -> tuple[float, float]:
    """Return ν and the degrees of freedom of t, from w_1 and w_2, n_1 and n_2, and C."""
    seeds = sum(shares)
    if seeds <= common * 1e-12:
        return float("inf"), float("inf")
    freedom = 1 / sum((share / seeds) ** 2 / (n - 1 + EXTRA) for share, n in zip(shares, runs, strict=True)) - EXTRA
    ratio = common / seeds
    return freedom, freedom + (freedom - 1) * ratio + ratio**2 / 6


def _p_of_sum(size: float, common: float, seeds: float, freedom: float) -> float:
    """Return P(|√C Z + √w T_ν| ≥ size), Z normal and T_ν Student's: the mean over V ~ χ²_ν of a normal tail.

        2 Φ(−size / √(C + w ν / V))

    Args:
        size: |d|.
        common: C.
        seeds: w.
        freedom: ν.
    """
    low, high = expit(LOGITS), expit(-LOGITS)
    halves = np.where(LOGITS < 0, gammaincinv(freedom / 2, low), gammainccinv(freedom / 2, high))  # of V
    tails = 2 * ndtr(-size / np.sqrt(common + seeds * freedom / 2 / np.maximum(halves, np.finfo(float).tiny)))
    return float((tails * low * high).sum() * (LOGITS[1] - LOGITS[0]))
