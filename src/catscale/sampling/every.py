"""Every task in every step, with the same number of target tokens.

Source: the batches of fairseq's `multilingual_translation` task, in which a step holds all pairs of languages and the
shorter corpora begin again; Li and Gong, "Robust Optimization for Multilingual Translation with Imbalanced Data",
NeurIPS 2021, Algorithm 1, whose inner steps hold all tasks. Legend: N tasks.
"""

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
import torch
from pydantic import Field

from catscale.errors import ConfigError
from catscale.sampling.contract import FixedSampler, FixedShares
from catscale.sampling.token_budget import Length, choose_lengths


class Every(FixedSampler):
    """Every task in every step, each with `tokens` target tokens; cost: none.

    Nothing is drawn: each task goes through its own data, and the smaller ones begin again sooner. What tells tasks
    apart are the weights of their losses (`balancing`): `fixed` with `temperature: 1` weighs them as the data do.
    A task delivers whole sub-batches of at most `tokens` target positions; what a step has too few or too many the
    next makes up for.

    Outside a training, where a library's loop asks for probabilities, they are the equal shares.

    Attributes:
        tokens: Target tokens of each task in a step; None for `training.batch_tokens` / N.
        lengths: Mean target tokens of a pair by task, which shares of pairs follow from; None for those of the data.
        replay: Nothing: no task is drawn more than another.

    Example:
        >>> method = Every(lengths={"en-az": 30.0, "en-fr": 10.0})
        >>> method.probabilities(method.init({"en-az": 100, "en-fr": 10000}), 1).tolist()
        [0.25, 0.75]
    """

    method: Literal["every"] = "every"
    tokens: int | None = Field(default=None, ge=16, le=100_000_000)
    lengths: dict[str, Length] | None = None
    replay: None = None

    def for_data(self, lengths: Mapping[str, float], step_tokens: float) -> Self:
        """Return the settings with the tokens of the data's pairs."""
        return self.model_copy(update={"lengths": self.lengths or dict(lengths)})

    def tokens_of_each(self, tasks: int, batch_tokens: int) -> int:
        """Return the target tokens of each task in a step.

        Raises:
            ConfigError: If these are not those of a step together, or fewer than 16.
        """
        each = batch_tokens // tasks
        if self.tokens is not None and self.tokens != each:
            raise ConfigError(
                f"sampling.tokens of {tasks} tasks must make up training.batch_tokens, found {self.tokens:,} for each "
                f"and {batch_tokens:,} for all; set training.batch_tokens: {self.tokens * tasks}, or leave "
                "sampling.tokens out"
            )
        if each < 16:
            raise ConfigError(
                f"sampling.method every needs 16 target tokens or more for each task, found training.batch_tokens "
                f"{batch_tokens:,} for {tasks} tasks; set it to {16 * tasks} or more"
            )
        return each

    def init(self, sizes: Mapping[str, int]) -> FixedShares:
        """Return the shares of the pairs, which never change.

        Raises:
            ConfigError: If the length of a task's pairs is not known.
        """
        lengths = choose_lengths(self.lengths, sizes)
        pairs = 1 / np.array([lengths[task] for task in sizes])
        return FixedShares(torch.from_numpy(pairs / pairs.sum()))
