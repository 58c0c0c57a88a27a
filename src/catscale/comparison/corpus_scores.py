"""Corpus scores from summed statistics, many at once: sacreBLEU's formulas on arrays.

The layout of the last axis is sacreBLEU's, so that its own `_compute_score_from_stats` gives the same.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BLEU_ORDER = 4
BETA = 2


def bleu_scores(sums: Floats) -> Floats:
    """BLEU = 100 · BP · (Π_n p_n)^(1/4), p_n matched over given n-grams, BP = min(1, exp(1 − r/c)).

    The j-th order without a match counts as half a match, a quarter, … ("exp" smoothing); 0 where no word matches or
    no n-gram of an order is given. Source: Papineni et al., 2002; sacreBLEU's `BLEU.compute_bleu`.

    Args:
        sums: (…, 10) c, r, matches of 1- to 4-grams, given 1- to 4-grams.

    Returns:
        (…) from 0 to 100.
    """
    given_length, length = sums[..., 0], sums[..., 1]
    matches, given = sums[..., 2 : 2 + BLEU_ORDER], sums[..., 2 + BLEU_ORDER :]
    halvings = np.cumsum(matches == 0, axis=-1)
    smoothed = np.where(matches == 0, 0.5**halvings, matches)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        precisions = np.log(100 * smoothed / given).sum(-1) / BLEU_ORDER
        penalty = np.where(given_length < length, np.exp(1 - length / given_length), 1.0)
        scores: Floats = penalty * np.exp(precisions)
    return np.where((given > 0).all(-1) & (matches > 0).any(-1) & (given_length > 0), scores, 0.0)


def chrf_scores(sums: Floats) -> Floats:
    """chrF = 100 · (1 + β²) P R / (β² P + R), P and R the mean precision and recall over orders, β = 2.

    Orders of which the hypothesis or the reference has no n-gram are left out of the means. Source: Popović, 2015;
    sacreBLEU's `CHRF._compute_f_score`.

    Args:
        sums: (…, 3 · orders) for each order: n-grams of the hypothesis, of the reference, matches.

    Returns:
        (…) from 0 to 100.
    """
    triples = sums.reshape(*sums.shape[:-1], -1, 3)
    ours, theirs, matches = triples[..., 0], triples[..., 1], triples[..., 2]
    counted = (ours > 0) & (theirs > 0)
    orders = np.maximum(counted.sum(-1), 1)
    precision = (np.where(counted, matches, 0) / np.where(counted, ours, 1)).sum(-1) / orders
    recall = (np.where(counted, matches, 0) / np.where(counted, theirs, 1)).sum(-1) / orders
    weighted = BETA**2 * precision + recall
    scores: Floats = 100 * (1 + BETA**2) * precision * recall / np.where(weighted > 0, weighted, 1)
    return scores


def nll_scores(sums: Floats) -> Floats:
    """Nats per target token.

    Args:
        sums: (…, 2) nats, target tokens.
    """
    scores: Floats = sums[..., 0] / sums[..., 1]
    return scores


def ter_scores(sums: Floats) -> Floats:
    """TER = 100 · edits / length of the references; without length 100 where there is an edit, else 0.

    Source: Snover et al., 2006; sacreBLEU's `TER._compute_score_from_stats`.

    Args:
        sums: (…, 2) edits, length.
    """
    edits, length = sums[..., 0], sums[..., 1]
    scores: Floats = 100 * np.where(length > 0, edits / np.where(length > 0, length, 1), edits > 0)
    return scores
