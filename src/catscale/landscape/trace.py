"""The trace of a Hessian, estimated by random signs.

Legend: P parameter tensors, D numbers in all of them, S random vectors.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from catscale.landscape.hessian import Hessian


def quadratic_forms(hessian: Hessian, samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return z_p (H z)_p, summed within each parameter tensor, for S vectors z of independent random signs.

        E[Σ_{p ∈ A} z_p (H z)_p] = tr H_AA       for every set A of parameters; A = all: E[zᵀ H z] = tr H

    Source: Hutchinson, "A stochastic estimator of the trace of the influence matrix", 1990. So one set of products
    gives the traces of all groups of parameters. The variance over all parameters is 2 Σ_{p≠q} H_pq².

    Args:
        hessian: Over P tensors.
        samples: S; a product of the Hessian each.
        rng: Gives the signs, the same on every device.

    Returns:
        (S, P) float64, to be summed over the columns of a group.
    """
    device, sizes = hessian.parameters[0].device, hessian.sizes
    table = np.zeros((samples, len(sizes)))
    for sample in range(samples):
        signs = torch.from_numpy(rng.integers(0, 2, sum(sizes), dtype=np.int8)).to(device).double() * 2 - 1
        terms = signs * hessian(signs)
        table[sample] = [part.sum().item() for part in hessian.split(terms)]
    return table


def mean_and_error(samples: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean of S independent estimates and its standard error, std / √S; NaN where S is too small.

    Example:
        >>> mean_and_error(np.array([1.0, 3.0]))
        (2.0, 1.0)
    """
    size = len(samples)
    mean = float(samples.mean()) if size else math.nan
    return mean, float(samples.std(ddof=1)) / math.sqrt(size) if size > 1 else math.nan
