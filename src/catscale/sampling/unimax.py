"""Equal shares of the training's tokens, but no task repeated beyond a number of epochs.

Source: Chung et al., "UniMax: Fairer and More Effective Language Sampling for Large-Scale Multilingual Pretraining",
ICLR 2023. Legend: N tasks, B tokens that the training draws, s_n tokens of task n, E most epochs.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from catscale.sampling.contract import FixedSampler, FixedShares
from catscale.sampling.token_budget import Length, choose_lengths, count_budget
from catscale.settings import LARGE, STEPS

TIMES_MEAN = 4.0
"""Most epochs, where they are not given: these many times those of the whole data."""


def unimax_budgets(sizes: Sequence[float], budget: float, max_epochs: float) -> NDArray[np.float64]:
    """Return U_n, the tokens that each task is drawn for.

    From the smallest task to the largest, i = 1 … N: U_i = min(B' / (N − i + 1), E s_i), B' what of B is left. The sum
    is B, or E Σ s_n where that is less: then the budget cannot be spent, and U is in proportion to the data.

    Args:
        sizes: N numbers s_n > 0.
        budget: B, in the unit of the sizes.
        max_epochs: E.

    Returns:
        (N,) float64.

    Example:
        >>> unimax_budgets([100, 1000, 10000], 6000, 5).tolist()
        [500.0, 2750.0, 2750.0]
    """
    budgets = np.zeros(len(sizes))
    left = float(budget)
    for rank, task in enumerate(np.argsort(sizes, kind="stable")):
        budgets[task] = min(left / (len(sizes) - rank), max_epochs * sizes[task])
        left -= budgets[task]
    return budgets


class UniMax(FixedSampler):
    """Equal shares of the tokens, but no task more than `max_epochs` times its own; cost: none.

        U_i = min((B − Σ_{j<i} U_j) / (N − i + 1), E s_i)     tasks from the smallest to the largest
        p_n ∝ U_n / mean tokens of a pair of task n

    Differences from the paper: sizes are target tokens, there characters. Its E of 1 is for more text than a training
    sees; where B exceeds E Σ s_n, as it does where data are few, the shares are those of the data: E must be larger.

    Attributes:
        max_epochs: E; None for 4 times the epochs that B is of the whole data, at least 1.
        steps: Updates that B is counted over; None for `training.max_steps`.
        step_tokens: Target tokens of an update; None for those of the training, `training.batch_tokens`. Without
            `lengths` it is pairs of an update.
        lengths: Mean target tokens of a pair by task; None for those of the data. Outside a training, None counts
            pairs in place of tokens.

    Example:
        >>> method = UniMax(max_epochs=5, steps=60, step_tokens=100)
        >>> method.init({"en-az": 100, "en-be": 1000, "en-fr": 10000}).shares.tolist()
        [0.08333333333333333, 0.4583333333333333, 0.4583333333333333]
    """

    method: Literal["unimax"] = "unimax"
    max_epochs: float | None = Field(default=None, gt=0, le=LARGE, allow_inf_nan=False)
    steps: int | None = Field(default=None, ge=1, le=STEPS)
    step_tokens: float | None = Field(default=None, gt=0, le=1e12, allow_inf_nan=False)
    lengths: dict[str, Length] | None = None

    def for_training(self, steps: int) -> Self:
        """Return the settings with the number of updates of the training."""
        return self.model_copy(update={"steps": self.steps or steps})

    def for_data(self, lengths: Mapping[str, float], step_tokens: float) -> Self:
        """Return the settings with the tokens of the data's pairs and of an update."""
        found = {"lengths": self.lengths or dict(lengths), "step_tokens": self.step_tokens or step_tokens}
        return self.model_copy(update=found)

    def init(self, sizes: Mapping[str, int]) -> FixedShares:
        """Return the probabilities, which never change.

        Raises:
            ConfigError: If the budget is not known, or the length of a task's pairs.
        """
        budget = count_budget(self.method, self.steps, self.step_tokens)
        lengths = choose_lengths(self.lengths, sizes)
        tokens = [size * lengths[task] for task, size in sizes.items()]
        most = max(1.0, TIMES_MEAN * budget / sum(tokens)) if self.max_epochs is None else self.max_epochs
        pairs = unimax_budgets(tokens, budget, most) / np.array([lengths[task] for task in sizes])
        return FixedShares(torch.from_numpy(pairs / pairs.sum()))
