"""The material of the checks of an architecture: directions, a vocabulary of ids and batches.

Legend: M predicted tokens, V vocabulary.
"""

from typing import cast

import torch
from torch import Tensor

from catscale.data.batching import Batch, make_batch
from catscale.data.direction import Direction
from catscale.model.contract import Architecture, TranslationModel
from catscale.vocabulary.contract import Vocabulary

DIRECTIONS = (Direction("en", "az"), Direction("tr", "az"), Direction("en", "fr"))
SOURCES = [[5, 6, 7, 8, 9], [7], [10, 11, 12]]
TARGETS = [[8], [9, 10, 11, 12], [13, 14]]
STEPS = 10
CLOSE = 1e-4


class Ids:
    """The ids of a vocabulary without text: 30 pieces and three tags."""

    size, bos_id, pad_id, eos_id, unk_id, new_rows = 34, 0, 1, 2, 3, 4
    languages = ("az", "en", "fr", "tr")

    def tag(self, language: str) -> int:
        """Return the id of a language's tag."""
        return self.size - 1 - self.languages.index(language)


VOCABULARY = cast(Vocabulary, Ids())


def build(architecture: Architecture, seed: int = 1) -> TranslationModel:
    """Build a model for `DIRECTIONS`, in evaluation mode."""
    return architecture.build(VOCABULARY, DIRECTIONS, seed).eval()


def batch_of(direction: Direction) -> Batch:
    """Make a batch of three sentences of a direction."""
    return make_batch(SOURCES, TARGETS, VOCABULARY, direction)


def logits_of(model: TranslationModel, direction: Direction) -> Tensor:
    """Predict the batch of a direction without a graph, (M, V)."""
    with torch.no_grad():
        return model.predict(batch_of(direction)).logits


def is_close(one: Tensor, two: Tensor) -> bool:
    """Return whether two tensors are equal up to rounding."""
    return one.shape == two.shape and torch.allclose(one, two, rtol=CLOSE, atol=CLOSE)
