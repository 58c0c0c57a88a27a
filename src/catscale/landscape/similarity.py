"""Similarity of the tasks' gradients in direction and magnitude, from their Gram matrices.

Legend: N tasks, S steps (independent batches), G_ij = ⟨g_i, g_j⟩.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catscale.landscape.trace import mean_and_error

Matrices = NDArray[np.float64]
KINDS = ("high-high", "low-low", "high-low")


def directions(gramians: Matrices) -> Matrices:
    """Return cos(g_i, g_j) = G_ij / √(G_ii G_jj); NaN where a gradient is zero.

    Args:
        gramians: (S, N, N).

    Returns:
        (S, N, N), between -1 and 1.
    """
    norms = _norms(gramians)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(gramians / (norms[:, :, None] * norms[:, None, :]))


def magnitudes(gramians: Matrices) -> Matrices:
    """Return γ_ij = 2 ‖g_i‖ ‖g_j‖ / (‖g_i‖² + ‖g_j‖²): 1 where the norms are equal, near 0 where they are far apart.

    Source: Yu et al., "Gradient Surgery for Multi-Task Learning", 2020, Definition 3. NaN where both are zero.

    Args:
        gramians: (S, N, N).

    Returns:
        (S, N, N), between 0 and 1.
    """
    norms = _norms(gramians)
    squares = norms**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(2 * norms[:, :, None] * norms[:, None, :] / (squares[:, :, None] + squares[:, None, :]))


def _norms(gramians: Matrices) -> Matrices:
    """Return the (S, N) norms ‖g_n‖."""
    return np.sqrt(np.clip(np.diagonal(gramians, axis1=1, axis2=2), 0, None))


MEASURES = {"direction": directions, "magnitude": magnitudes}


def summarise(
    gramians: Mapping[str, Matrices], tasks: Sequence[str], resources: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the similarity of every pair of tasks, averaged over steps, and over kinds of pairs.

    Args:
        gramians: The matrices by group of parameters ("all", "E.SA" …): (S, N, N), the Gram matrices of S independent
            batches.
        tasks: Names of the N tasks.
        resources: "high", "mid" or "low" by task; pairs with a task of the middle are of no kind.

    Returns:
        `similarity` and `similarity_error`: by measure, group of parameters and pair ("en-az|en-be"), the mean over
        steps and its standard error; `similarity_by_resource`: by measure, group of parameters and kind of pair, the
        mean over its pairs and steps, the standard error over steps, and the number of pairs. NaN for an
        error of one step, and for what has no pair.
    """
    pairs = list(combinations(range(len(tasks)), 2))
    kinds = {kind: [pair for pair in pairs if _kind(pair, tasks, resources) == kind] for kind in KINDS}
    found: dict[str, dict[str, Any]] = {
        name: {measure: {} for measure in MEASURES}
        for name in ("similarity", "similarity_error", "similarity_by_resource")
    }
    for measure, compute in MEASURES.items():
        for group, matrices in gramians.items():
            values = compute(matrices)
            by_pair = {f"{tasks[i]}|{tasks[j]}": mean_and_error(values[:, i, j]) for i, j in pairs}
            found["similarity"][measure][group] = {name: mean for name, (mean, _) in by_pair.items()}
            found["similarity_error"][measure][group] = {name: error for name, (_, error) in by_pair.items()}
            found["similarity_by_resource"][measure][group] = {
                kind: _average(values, members) for kind, members in kinds.items()
            }
    return found


def _kind(pair: tuple[int, int], tasks: Sequence[str], resources: Mapping[str, str]) -> str:
    return "-".join(sorted(resources[tasks[number]] for number in pair))


def _average(values: Matrices, pairs: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Average over pairs and steps; the error is over steps, since the pairs of a step share gradients."""
    if not pairs:
        return {"mean": math.nan, "error": math.nan, "pairs": 0}
    rows, columns = np.array(pairs).T
    mean, error = mean_and_error(values[:, rows, columns].mean(1))
    return {"mean": mean, "error": error, "pairs": len(pairs)}
