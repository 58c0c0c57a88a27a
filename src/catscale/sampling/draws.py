"""Which tasks a step holds: systematic draws from the sampling distribution."""

import numpy as np
from numpy.typing import NDArray


def draw_tasks(probabilities: NDArray[np.float64], count: int, seed: int, step: int) -> NDArray[np.int64]:
    """Draw `count` tasks for one step, with replacement.

    Systematic sampling: one uniform number shifts a comb of `count` equidistant points over the cumulative
    distribution. Task n is drawn floor or ceil of `count * p_n` times, `count * p_n` times on average: the marginals
    are those of independent draws, the variance is the least possible.

    Args:
        probabilities: (N,) that sum to 1.
        count: Draws.
        seed: Seed of the run.
        step: Number of the step; the draw depends on nothing else, so that a resumed run repeats it.

    Returns:
        (count,) task ids in ascending order.
    """
    shift = np.random.default_rng([seed, 0, step]).random()
    points = (np.arange(count) + shift) / count
    ids: NDArray[np.int64] = np.searchsorted(np.cumsum(probabilities), points, side="right")
    return np.minimum(ids, len(probabilities) - 1)
