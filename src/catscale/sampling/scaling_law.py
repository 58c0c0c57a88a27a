"""A scaling law of a training loss, fitted to what was measured.

Legend: S measurements; k step, L loss; a, c, e the parameters of the law.

    L̂(k) = exp(e) + exp(a) k^(−c)
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

KEPT = 512
"""Measurements that are kept of a loss."""
DELTA = 1e-3
"""δ of the Huber distance: above it, a difference of log losses counts linearly."""
BOUNDS = ((-10.0, 6.5), (0.0, 0.8), (-7.0, 5.0))
"""Least and largest a, c and e."""
STARTS = tuple(product((0.0, 3.0), (0.1, 0.5), (0.1, 0.7)))
"""a, c, and the share of the latest loss that exp(e) is, where a fit begins."""
LEAST_LOSSES = 5
"""Measurements that a fit needs."""


def predict(law: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log L̂ at some steps, (S,), by the parameters a, c and e, (3,)."""
    a, c, e = law
    found: NDArray[np.float64] = np.logaddexp(a - c * np.log(steps), e)
    return found


def measure_misfit(
    law: NDArray[np.float64], steps: NDArray[np.float64], losses: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the mean Huber distance of log L̂ from log L, and its gradient in a, c and e, (3,).

    Args:
        law: a, c and e.
        steps: (S,) k.
        losses: (S,) L, above 0.
    """
    a, c, e = law
    differences = predict(law, steps) - np.log(losses)
    size = np.abs(differences)
    distances = np.where(size <= DELTA, differences**2 / 2, DELTA * (size - DELTA / 2))
    slopes = np.clip(differences, -DELTA, DELTA)
    share = 1 / (1 + np.exp(np.clip(e - a + c * np.log(steps), -700, 700)))  # of the falling part in L̂
    rows = np.stack([slopes * share, -slopes * share * np.log(steps), slopes * (1 - share)])
    return float(distances.mean()) / DELTA, rows.mean(1) / DELTA


def fit_law(steps: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the a, c and e of the least misfit, (3,), from several starts by L-BFGS within bounds.

    Args:
        steps: (S,) k, at least 1.
        losses: (S,) L; NaN, or 0 and below, where it is not known.

    Returns:
        NaN where fewer than 5 losses are known.
    """
    is_known = losses > 0
    steps, losses = steps[is_known], losses[is_known]
    if len(losses) < LEAST_LOSSES:
        return np.full(3, np.nan)
    lowest = np.array([low for low, _ in BOUNDS])
    highest = np.array([high for _, high in BOUNDS])
    best, least = np.full(3, np.nan), np.inf
    for a, c, part in STARTS:
        start = np.clip([a, c, np.log(part * losses[-1])], lowest, highest)
        found = minimize(measure_misfit, start, (steps, losses), method="L-BFGS-B", jac=True, bounds=BOUNDS)
        if found.fun < least:
            best, least = np.asarray(found.x, dtype=np.float64), float(found.fun)
    return best
