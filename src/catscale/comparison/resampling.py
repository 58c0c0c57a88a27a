"""Scores of resampled test sets, and the p-values that they give.

Legend: B resamples, R runs, M methods, S sentences, k statistics per sentence. A method's score is the mean of its
runs' (its seeds'); all runs are scored on the same resampled sentences.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catscale.evaluation.metrics.contract import Floats, Statistics

CELLS = 4_000_000
"""Resampled sentences that are held at a time."""
TOLERANCE = 1e-9
"""Differences of scores (0 to 100) as small as this are rounding."""


@dataclass(frozen=True)
class Resampled:
    """Scores of one metric on resampled test sets.

    Attributes:
        draws: (B, M) scores, the mean over each method's runs.
        within: (M,) variance over test sets of a run's score less its method's mean, 1/(n − 1) Σ_i Var_b(x_bi − x̄_b):
            what sentences do to single runs, a share of the variance between them. 0 with one run.
    """

    draws: Floats
    within: Floats


def bootstrap(
    statistics: Sequence[Statistics], methods: Sequence[Sequence[int]], rng: np.random.Generator, resamples: int
) -> list[Resampled]:
    """Return the scores of every method on test sets of S sentences drawn with replacement from the S.

    Source: Koehn, "Statistical Significance Tests for Machine Translation Evaluation", 2004.

    Args:
        statistics: The metrics' statistics on one direction; all metrics see the same resamples.
        methods: Runs of each of the M methods.
        rng: Draws the sentences.
        resamples: B.

    Returns:
        The scores for each of the statistics.
    """
    sentences = statistics[0].values.shape[1]
    parts: list[list[Floats]] = [[] for _ in statistics]
    for size in _blocks(resamples, sentences):
        drawn = rng.integers(sentences, size=(size, sentences)) + sentences * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * sentences).reshape(size, sentences).astype(np.float64)
        for part, measured in zip(parts, statistics, strict=True):
            part.append(np.stack([measured.score(counts @ values) for values in measured.values], 1))  # (size, R)
    return [_by_method(np.concatenate(part), methods) for part in parts]


def _by_method(runs: Floats, methods: Sequence[Sequence[int]]) -> Resampled:
    """Return each method's mean and the variance around it from (B, R) scores."""
    of_methods = [runs[:, members] for members in methods]
    draws = np.stack([scores.mean(1) for scores in of_methods], 1)
    around = [
        (scores - scores.mean(1, keepdims=True)).var(0).sum() / max(1, scores.shape[1] - 1) for scores in of_methods
    ]
    return Resampled(draws, np.array(around))


def randomise(
    statistics: Sequence[Statistics],
    pairs: Sequence[Sequence[tuple[int, int]]],
    rng: np.random.Generator,
    resamples: int,
) -> list[Floats]:
    """Return the differences between two methods after the outputs of half the sentences, drawn at random, change
    sides.

    With several seeds the i-th run of the one is paired with the i-th of the other; a sentence changes sides in all
    pairs at once, because the seeds' outputs for it are no independent evidence.
    Source: Riezler and Maxwell, "On Some Pitfalls in Automatic Evaluation and Significance Testing for MT", 2005.

    Args:
        statistics: The metrics' statistics on one direction; all metrics see the same exchanges.
        pairs: The pairs of runs of each comparison (of the method, of the baseline).
        rng: Draws the sentences.
        resamples: B.

    Returns:
        (B, comparisons) mean differences over pairs, for each of the statistics.
    """
    sentences = statistics[0].values.shape[1]
    parts: list[list[Floats]] = [[] for _ in statistics]
    for size in _blocks(resamples, sentences):
        kept = rng.integers(2, size=(size, sentences)).astype(np.float64)
        for part, measured in zip(parts, statistics, strict=True):
            part.append(np.stack([_exchange(measured, members, kept) for members in pairs], 1))
    return [np.concatenate(part) for part in parts]


def _exchange(measured: Statistics, pairs: Sequence[tuple[int, int]], kept: Floats) -> Floats:
    """Return the (B,) mean difference over the pairs where only the sentences with kept = 1 stay on their side."""
    differences = []
    for ours, theirs in pairs:
        a, b = measured.values[ours], measured.values[theirs]
        moved = kept @ (a - b)
        differences.append(measured.score(b.sum(0) + moved) - measured.score(a.sum(0) - moved))
    mean: Floats = np.mean(differences, axis=0)
    return mean


def _blocks(resamples: int, sentences: int) -> Iterator[int]:
    """Yield numbers of resamples to draw at a time."""
    at_once = max(1, CELLS // sentences)
    for start in range(0, resamples, at_once):
        yield min(at_once, resamples - start)


def interval(draws: Floats) -> tuple[float, float]:
    """Return the percentiles 2.5 and 97.5 of (B,) bootstrap values."""
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def p_two_sided(draws: Floats, observed: float) -> float:
    """Return the chance of a difference as large as the observed one, of either sign, if there were none.

    p = (1 + #{b : |d_b − mean d| ≥ |d|}) / (B + 1): the bootstrap's differences, shifted to have mean 0, stand for
    the null hypothesis. Of two equally good systems it finds p < 0.05 in 5% of cases.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, Section 16.4, with the + 1 of sacreBLEU.

    Args:
        draws: (B,) bootstrap differences d_b.
        observed: d.
    """
    return _share(np.abs(draws - draws.mean()) >= abs(observed) - TOLERANCE)


def p_sacrebleu(draws: Floats, observed: float) -> float:
    """Return the p-value of sacreBLEU's `PairedTest(test_type="bs")`.

    p = (1 + #{b : |d_b| − mean |d| > |d|}) / (B + 1). Where d is clearly not 0, all d_b have its sign, and this is
    the chance of the one tail: half of `p_two_sided`. Of two equally good systems it finds p < 0.05 in 11% of cases.
    Systems that never differ have p = 1 here (sacreBLEU: 1 / (B + 1)).

    Args:
        draws: (B,) bootstrap differences d_b.
        observed: d.
    """
    if not (np.abs(draws) > TOLERANCE).any():
        return 1.0
    sizes = np.abs(draws)
    return _share(sizes - sizes.mean() > abs(observed))


def p_randomisation(draws: Floats, observed: float) -> float:
    """Return p = (1 + #{b : |d_b| ≥ |d|}) / (B + 1) of approximate randomisation.

    sacreBLEU counts > in place of ≥, which differs only where scores tie, as those of identical systems.

    Args:
        draws: (B,) differences after exchanges.
        observed: d.
    """
    return _share(np.abs(draws) >= abs(observed) - TOLERANCE)


def _share(hits: NDArray[np.bool_]) -> float:
    return float((hits.sum() + 1) / (len(hits) + 1))
