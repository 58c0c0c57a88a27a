"""The data that an analysis looks at: random sentences of one task, chosen by seed and step alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catscale.data.batching import EXTRA, Batch, collate, plan_batches
from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.landscape.hessian import LossFunction
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import twice_differentiable_nll
from catscale.vocabulary.contract import Vocabulary

ROOM = 2
"""Positions of a mini-batch for each token drawn: fewer mini-batches are worth a little padding."""
WIDEST = 2048
"""Positions of a mini-batch, at most, unless one sentence has more."""


@dataclass(frozen=True)
class Sample:
    """Sentences of one task.

    Attributes:
        parts: All of them, in mini-batches.
        alone: Some of them, in batches of one.
        size: Sentences.
        tokens: Target tokens, the end of each sentence included.
    """

    parts: list[Batch]
    alone: list[Batch]
    size: int
    tokens: int

    def losses(self, model: TranslationModel) -> list[LossFunction]:
        """Return a function for each mini-batch; together they add up to the mean NLL per token."""
        return [_loss(model, part, self.tokens) for part in self.parts]

    def sentence_losses(self, model: TranslationModel) -> list[LossFunction]:
        """Return a function for each of the sentences alone: its NLL, summed over its tokens."""
        return [_loss(model, sentence, 1) for sentence in self.alone]


def _loss(model: TranslationModel, batch: Batch, unit: int) -> LossFunction:
    def compute() -> Tensor:
        with torch.autocast(model.device.type, enabled=False):
            return twice_differentiable_nll(model, batch.to(model.device)) / unit

    return compute


@dataclass(frozen=True)
class TaskData:
    """The source of the sentences of one task.

    Attributes:
        direction: The task.
        pairs: Its data, one pair or more.
        vocabulary: The run's vocabulary.
        seed: The run's seed.
    """

    direction: Direction
    pairs: Pairs
    vocabulary: Vocabulary
    seed: int

    def rng(self, *numbers: int) -> np.random.Generator:
        """Return a random generator of this task that follows from the seed and the given numbers."""
        return np.random.default_rng([self.seed, self.direction.random_key, *numbers])

    def draw(self, tokens: int, alone: int, numbers: Sequence[int]) -> Sample:
        """Draw sentences without replacement until they hold enough target tokens.

        Args:
            tokens: Target tokens to reach; all pairs where they hold fewer.
            alone: The most sentences to give by themselves, too.
            numbers: Decide which ones.
        """
        order = self.rng(*numbers).permutation(len(self.pairs))
        reached = np.cumsum(self.pairs.target_lengths[order].astype(np.int64) + 1)  # `Batch.tokens`
        chosen = order[: int(np.searchsorted(reached, tokens)) + 1]
        lengths = self.pairs.source_lengths[chosen], self.pairs.target_lengths[chosen]
        plan = plan_batches(*lengths, max(min(ROOM * tokens, WIDEST), int(lengths[1].max()) + EXTRA))
        return Sample(
            parts=[self._collate(chosen[part]) for part in plan],
            alone=[self._collate(chosen[[number]]) for number in range(min(alone, len(chosen)))],
            size=len(chosen),
            tokens=int(lengths[1].sum(dtype=np.int64)) + len(chosen),
        )

    def _collate(self, indices: NDArray[np.int64]) -> Batch:
        return collate(self.pairs, indices, self.vocabulary, self.direction)
