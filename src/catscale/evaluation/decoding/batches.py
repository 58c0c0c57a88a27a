"""The batches of sentences that are decoded together, and the limits of their translations.

Both depend on a sentence's own length only, never on its neighbours: a sentence is translated in the same
way alone and in a file.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from catscale.evaluation.config import CPU_BATCH, EvaluationConfig

TAG_AND_EOS = 2
"""Positions that a source and a target need beside their pieces."""

SHORTEST = 2
"""Fewest tokens to generate before the end: the tag and one piece."""


@dataclass(frozen=True)
class SourceBatch:
    """Sentences that are decoded together.

    Attributes:
        indices: Places of the sentences in the list that was planned.
        max_tokens: Most target tokens to generate, the language tag and the end included.
    """

    indices: list[int]
    max_tokens: int


def length_limit(length: int, settings: EvaluationConfig, positions: int) -> int:
    """Return the most target tokens, tag and end included, for a source of `length` pieces.

    The limit is rounded up to a power of two, so that sentences share a few limits and can share batches.

    Args:
        length: Pieces in the source, tag and end not counted.
        settings: `max_length` and `max_length_ratio`.
        positions: Positions that the model has.
    """
    wanted = math.ceil(length * settings.max_length_ratio) + 10
    rounded = 1 << (wanted - 1).bit_length()
    return min(min(rounded, settings.max_length) + TAG_AND_EOS, positions)


def plan_batches(lengths: Sequence[int], settings: EvaluationConfig, positions: int) -> list[SourceBatch]:
    """Group sentences of one limit and similar length, longest first; empty sentences are in no batch.

    Args:
        lengths: Pieces in each source, tag and end not counted.
        settings: Limits and the size of a batch.
        positions: Positions that the model has.

    Returns:
        Batches of at most `batch_sentences` sentences, or, where that is None, `batch_tokens` padded source positions;
        of one sentence where that alone is more.
    """
    order = sorted((i for i, length in enumerate(lengths) if length), key=lambda i: (-lengths[i], i))
    batches: list[SourceBatch] = []
    most, most_tokens = settings.batch_sentences, settings.batch_tokens or CPU_BATCH
    for i in order:
        limit = length_limit(lengths[i], settings, positions)
        current = batches[-1] if batches else None
        if current and current.max_tokens == limit:
            sentences = len(current.indices) + 1
            padded = sentences * (lengths[current.indices[0]] + TAG_AND_EOS)
            if padded <= most_tokens if most is None else sentences <= most:
                current.indices.append(i)
                continue
        batches.append(SourceBatch([i], limit))
    return batches
