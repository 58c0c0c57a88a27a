"""The share of a step that goes to what a pre-trained model can do already, so that it keeps it.

Legend: N tasks, O the old ones, r share, s_n the sampler's own probabilities.
"""

import numpy as np
from numpy.typing import NDArray

REPLAY = 0.5
"""The share where a configuration names none."""


def apply_replay(shares: NDArray[np.float64], is_old: NDArray[np.bool_], replay: float) -> NDArray[np.float64]:
    """Return the probabilities of which the old tasks together have a share, each group in its own proportions.

        p_n = r s_n / Σ_{m ∈ O} s_m for n in O,    p_n = (1 − r) s_n / Σ_{m ∉ O} s_m for the others

    Source: ours. Where one group has no probability at all, as in the first phase of `pretrain_finetune`, its
    proportions are not known, and the sampler's own probabilities stay.

    Args:
        shares: (N,) probabilities s_n.
        is_old: (N,) whether a task is old.
        replay: r, from 0 to 1.

    Returns:
        (N,) probabilities that sum to 1.

    Example:
        >>> apply_replay(np.array([0.6, 0.2, 0.2]), np.array([True, True, False]), 0.4).round(6).tolist()
        [0.3, 0.1, 0.6]
    """
    old = shares[is_old].sum()
    new = shares[~is_old].sum()
    if old <= 0 or new <= 0:
        return shares
    found: NDArray[np.float64] = np.where(is_old, replay * shares / old, (1 - replay) * shares / new)
    return found
