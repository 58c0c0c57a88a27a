"""Eigenvalues of largest magnitude of a symmetric operator, with the residual that says how well they are known.

Legend: D numbers in a vector.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from catscale.errors import ConfigError

Multiply = Callable[[Tensor], Tensor]
"""v (D,) → H v (D,) float64."""
BASIS = 20
"""Vectors that Lanczos keeps, at least."""


@dataclass(frozen=True)
class TopEigenvalue:
    """The eigenvalue of largest magnitude, with its sign.

    Attributes:
        value: λ, in units of the loss; NaN where a product was not finite or nothing converged.
        residual: ‖H v − λ v‖ / |λ| of the unit vector v that belongs to it: an eigenvalue lies within
            `residual · |λ|` of λ.
        iterations: Products H v that it took.
        converged: Whether the residual is within the tolerance.
        eigenvalues: All that were asked for, by falling magnitude, where more than one was.
    """

    value: float
    residual: float
    iterations: int
    converged: bool
    eigenvalues: tuple[float, ...] = ()


def random_start(size: int, rng: np.random.Generator, device: torch.device) -> Tensor:
    """Return a (D,) float64 vector of unit length, in a random direction that is the same on every device."""
    vector: Tensor = torch.from_numpy(rng.standard_normal(size)).to(device)
    return vector.div_(vector.norm().item())


def power_iteration(multiply: Multiply, start: Tensor, max_iterations: int, tolerance: float) -> TopEigenvalue:
    """Iterate v ← H v / ‖H v‖ until v is still up to its sign; λ = ⟨v, H v⟩, Rayleigh's quotient.

    Source: Yao et al., "PyHessian", 2020, Algorithm 2, which the paper uses ([59]); the sign of λ is kept, and what
    ends the iteration is the residual, not how little λ moves. The error of λ is at most `residual · |λ|`, and about
    its square over the gap to the next eigenvalue.

    Where the two largest magnitudes belong to eigenvalues of opposite signs, v swings between two vectors for ever and
    the quotient means nothing. When the iterations are used up and H² v = σ² v holds within the tolerance, ±σ is given,
    with the sign of the larger component, as not converged.

    Args:
        multiply: The symmetric operator.
        start: (D,) float64, a random direction.
        max_iterations: Most products.
        tolerance: Largest residual that counts as converged.

    Example:
        >>> matrix = torch.tensor([[1.0, 0.0], [0.0, -3.0]], dtype=torch.float64)
        >>> found = power_iteration(matrix.mv, torch.ones(2, dtype=torch.float64), 100, 1e-6)
        >>> round(found.value, 6), found.converged
        (-3.0, True)
    """
    vector, before, length = start / start.norm(), start, 0.0
    value = residual = swing = math.nan
    for iteration in range(1, max_iterations + 1):
        product = multiply(vector)
        norm = product.norm().item()
        if norm == 0 or not math.isfinite(norm):
            return TopEigenvalue(norm, norm, iteration, norm == 0)
        value = torch.dot(vector, product).item()
        residual = _residual(product, vector, value)
        if residual <= tolerance:
            return TopEigenvalue(value, residual, iteration, True)
        swing = _residual(product, before, length) if iteration > 1 else math.nan
        before, vector, length = vector, product / norm, norm
    if swing <= tolerance:
        value = math.copysign(length, value)
        residual = _residual(length * vector, before, value)
    return TopEigenvalue(value, residual, max_iterations, False)


def _residual(product: Tensor, vector: Tensor, value: float) -> float:
    """Return ‖H v − λ v‖ / |λ|."""
    distance = (product - value * vector).norm().item()
    return distance / abs(value) if value else math.inf


def lanczos(multiply: Multiply, start: Tensor, top: int, max_iterations: int, tolerance: float) -> TopEigenvalue:
    """Compute the `top` eigenvalues of largest magnitude by SciPy's implicitly restarted Lanczos method (ARPACK).

    Memory: about `max(20, 2 · top + 1)` vectors of D float64. The residual is computed from the vector afterwards.

    Args:
        multiply: The symmetric operator.
        start: (D,) float64, a random direction.
        top: The number of eigenvalues, below D.
        max_iterations: Products after which no restart follows; the first round takes `max(20, 2 · top + 1)`.
        tolerance: Largest residual of each that counts as converged: ARPACK's own estimate of it, and the first
            one's as computed.

    Raises:
        ConfigError: If there are not more than `top` parameters.
    """
    size = len(start)
    if top >= size:
        raise ConfigError(f"analysis.top must be below the number of parameters, {size:,}, found {top}; lower it")
    count = 0

    def apply(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        nonlocal count
        count += 1
        given = torch.from_numpy(np.array(vector, dtype=np.float64).reshape(-1)).to(start.device)
        product: NDArray[np.float64] = multiply(given).cpu().numpy()
        return product

    basis = min(size, max(BASIS, 2 * top + 1))
    restarts = 1 + max(0, math.ceil((max_iterations - basis) / (basis - top)))
    operator = LinearOperator((size, size), matvec=apply, dtype=np.float64)
    try:
        values, vectors = eigsh(
            operator, top, which="LM", v0=start.cpu().numpy(), ncv=basis, maxiter=restarts, tol=tolerance
        )
    except ArpackNoConvergence as error:
        values, vectors = error.eigenvalues, error.eigenvectors
    except ArpackError:  # a product that is zero, or not finite
        if not multiply(start).any():
            return TopEigenvalue(0.0, 0.0, count + 1, True, (0.0,) * top)
        values, vectors = np.empty(0), np.empty((size, 0))
    if not len(values):
        return TopEigenvalue(math.nan, math.nan, count, False)
    order = np.argsort(-np.abs(values))
    found = tuple(float(value) for value in values[order])
    vector = torch.from_numpy(np.array(vectors[:, order[0]])).to(start.device)
    product = multiply(vector)
    residual = 0.0 if found[0] == 0 and not product.any() else _residual(product, vector, found[0])
    return TopEigenvalue(found[0], residual, count + 1, len(found) == top and residual <= tolerance, found)
