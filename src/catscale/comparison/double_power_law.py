"""The double power law of a task's loss in its share of the mixture, fitted to runs that differ in their temperature.

Source: Chen, Ma, Zhang, Wei and Chang, "On the Pareto Front of Multilingual Neural Machine Translation", NeurIPS 2023.
Legend: N tasks of D_n sentence pairs, R temperatures T, p_n shares of the mixture, L_n losses.

    L_n(p) = (k p)^(−α) + (D_n^γ + b) (q p)^β + M_n
    p_n(T) = D_n^(1/T) / Σ_m D_m^(1/T)
    T*     = argmin_T mean_n L_n(p_n(T))

The first term falls as a task has more of the model, the second rises as a small task is repeated (γ ≤ 0), M_n is
what stays. With A = k^(−α), C = q^β D̄^γ and B = b q^β, D̄ the geometric mean of the sizes, it is

    L_n(p) = A p^(−α) + C (D_n / D̄)^γ p^β + B p^β + M_n

which is linear in A, B, C and all M_n: for given exponents these are the least squares with A, B and C ≥ 0, and only
the three exponents are searched. M_n is free: it goes where a task's losses are measured from their mean over the runs.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, nnls

from catscale.errors import ConfigError

Array = NDArray[np.float64]

LEAST_TEMPERATURES = 4
"""Temperatures that a fit needs: three make a curve with one bend, and the fourth says how well the law holds."""
BOUNDS = ((0.05, 2.0), (0.05, 2.0), (-2.0, 0.0))
"""Least and largest α, β and γ."""
STARTS = tuple(product((0.2, 0.8), (0.3, 1.0), (-0.5, -0.1)))
"""The exponents that a fit begins at."""
STEPS = 300
"""Steps of a search for the exponents."""
DRAWS = 100
"""Fits to drawn residuals that the uncertainty is told by."""
EDGE = 1e-9
"""Share of a temperature within which two are the same."""
GRID = 241
"""Values of 1/T that the best one is looked for among."""


@dataclass(frozen=True)
class DoublePowerLaw:
    """A fitted law.

    Attributes:
        exponents: (3,) α, β, γ.
        factors: (3,) A, C, B.
        floors: (N,) M_n.
        sizes: (N,) D_n.
    """

    exponents: Array
    factors: Array
    floors: Array
    sizes: Array

    def predict(self, temperatures: Array) -> Array:
        """Return the (R, N) losses at (R,) temperatures."""
        terms = _make_terms(self.exponents, self.sizes, share_out(self.sizes, temperatures))
        return np.tensordot(terms, self.factors, 1) + self.floors

    def find_best(self, lowest: float, highest: float) -> float:
        """Return the temperature of the least mean loss between two."""
        temperatures = 1 / np.linspace(1 / lowest, 1 / highest, GRID)
        return float(temperatures[np.argmin(self.predict(temperatures).mean(1))])


@dataclass(frozen=True)
class BestTemperature:
    """The temperature that would have been best, by the law.

    Attributes:
        law: The law.
        temperature: T*, within the temperatures that were run.
        interval: 95% of the T* of laws that were fitted to drawn residuals.
        error: Root mean square of the residuals, with the degrees of freedom that the fit left; nats per token.
        ends: The lowest and the highest temperature that were run.
    """

    law: DoublePowerLaw
    temperature: float
    interval: tuple[float, float]
    error: float
    ends: tuple[float, float]

    @property
    def is_inside(self) -> bool:
        """Whether T* lies between the temperatures that were run, not at an end, beyond which it may lie."""
        low, high = self.ends
        return low * (1 + EDGE) < self.temperature < high * (1 - EDGE)


def share_out(sizes: Array, temperatures: Array) -> Array:
    """Return the (R, N) shares of the mixture, p_n ∝ D_n^(1/T)."""
    logs = np.log(sizes)[None] / temperatures[:, None]
    powers = np.exp(logs - logs.max(1, keepdims=True))
    shares: Array = powers / powers.sum(1, keepdims=True)
    return shares


def fit_best_temperature(sizes: Array, temperatures: Array, losses: Array, seed: int = 0) -> BestTemperature:
    """Fit the law, and return the temperature that would have been best, with its uncertainty.

    Args:
        sizes: (N,) sentence pairs of the tasks.
        temperatures: (R,) temperatures of the runs, all different.
        losses: (R, N) held-out losses in nats per token.
        seed: The seed of the drawn residuals.

    Raises:
        ConfigError: If the temperatures or tasks are too few for the law's parameters, or a number is not finite.
    """
    check_enough(len(sizes), temperatures)
    if not (np.isfinite(losses).all() and (sizes > 0).all()):
        raise ConfigError("a double power law needs finite losses of all tasks and sizes above 0; leave the others out")
    law = _fit(sizes, temperatures, losses)
    ends = (float(temperatures.min()), float(temperatures.max()))
    fitted = law.predict(temperatures)
    residuals = losses - fitted
    free = losses.size - _count_parameters(len(sizes))
    scale = np.sqrt(losses.size / free)
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(DRAWS):
        drawn = fitted + scale * rng.choice(residuals.ravel(), losses.shape)
        found.append(_fit(sizes, temperatures, drawn).find_best(*ends))
    low, high = np.quantile(found, [0.025, 0.975])
    error = float(np.sqrt((residuals**2).sum() / free))
    return BestTemperature(law, law.find_best(*ends), (float(low), float(high)), error, ends)


def check_enough(tasks: int, temperatures: Array) -> None:
    """Check that a law can be fitted to runs of these temperatures.

    Raises:
        ConfigError: If there are too few of them, or of tasks.
    """
    told = ", ".join(f"T={t:g}" for t in sorted(set(temperatures.tolist()))) or "none"
    if len(set(temperatures.tolist())) < LEAST_TEMPERATURES:
        raise ConfigError(
            f"a double power law needs {LEAST_TEMPERATURES} plain temperatures, found {told}; add "
            "others to the sweep, as in --methods T=1 T=2 T=5 T=100"
        )
    if tasks * len(temperatures) <= _count_parameters(tasks):
        raise ConfigError(
            f"a double power law of {tasks} tasks has {_count_parameters(tasks)} parameters, found "
            f"{tasks * len(temperatures)} losses of {told}; add temperatures to the sweep"
        )


def _count_parameters(tasks: int) -> int:
    return 6 + tasks


def _make_terms(exponents: Array, sizes: Array, shares: Array) -> Array:
    """Return the (R, N, 3) terms that A, C and B multiply."""
    alpha, beta, gamma = exponents
    rising = shares**beta
    relative = np.exp(gamma * (np.log(sizes) - np.log(sizes).mean()))
    return np.stack([shares**-alpha, relative * rising, rising], -1)


def _fit(sizes: Array, temperatures: Array, losses: Array) -> DoublePowerLaw:
    """Return the law of least squares, its exponents found from the best of several starts."""
    shares, means = share_out(sizes, temperatures), losses.mean(0)
    centred = (losses - means).ravel()

    def solve(exponents: Array) -> tuple[Array, float]:
        terms = _make_terms(exponents, sizes, shares)
        factors, misfit = nnls((terms - terms.mean(0)).reshape(-1, 3), centred)
        return factors, float(misfit)

    start = min(STARTS, key=lambda exponents: solve(np.array(exponents))[1])
    options = {"xatol": 1e-4, "fatol": 1e-9, "maxiter": STEPS}
    found = minimize(lambda x: solve(x)[1], start, method="Nelder-Mead", bounds=BOUNDS, options=options)
    factors, _ = solve(found.x)
    floors = means - np.tensordot(_make_terms(found.x, sizes, shares).mean(0), factors, 1)
    return DoublePowerLaw(np.asarray(found.x), factors, floors, sizes)
