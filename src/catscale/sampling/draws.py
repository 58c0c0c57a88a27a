"""The choice of tasks in a step: systematic draws from the sampling distribution."""

from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from catscale.errors import ConfigError


def draw_tasks(probabilities: NDArray[np.float64], count: int, seed: int, step: int) -> NDArray[np.int64]:
    """Draw `count` tasks for one step, with replacement.

    Systematic sampling: the tasks stand side by side in random order, each as wide as its probability, and one
    uniform number shifts a comb of `count` equidistant points over them. Task n is drawn floor or ceil of
    `count * p_n` times, `count * p_n` times on average: the marginals are those of independent draws, the variance is
    the least possible, and thanks to the random order every two tasks meet in some step.

    Args:
        probabilities: (N,) that sum to 1; a task of probability 0 is never drawn.
        count: Draws.
        seed: Seed of the run.
        step: Number of the step; the draw depends on nothing else, so that a resumed run repeats it.

    Returns:
        (count,) task ids in ascending order.

    Raises:
        ConfigError: If they are no probabilities.
    """
    if not all(isinstance(number, Integral) and number >= 0 for number in (count, seed, step)):
        raise ConfigError(
            f"count, seed and step of a draw must be whole numbers of 0 or more, found {count!r}, {seed!r} and {step!r}"
        )
    shares = np.asarray(probabilities, dtype=np.float64)
    if shares.ndim != 1 or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-6 or count < 0:
        raise ConfigError(
            f"tasks are drawn from probabilities of 0 or more with sum 1, 0 or more times, found {shares.tolist()} "
            f"and {count}; divide them by their sum"
        )
    rng = np.random.default_rng([seed, 0, step])
    order = rng.permutation(len(shares))
    points = (np.arange(count) + rng.random()) / count
    places = np.searchsorted(np.cumsum(shares[order]), points, side="right")
    last = np.flatnonzero(shares[order])[-1]  # rounding may leave the last sum below the last point
    ids: NDArray[np.int64] = np.sort(order[np.minimum(places, last)])
    return ids
