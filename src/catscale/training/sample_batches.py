"""Sub-batches of sentence pairs that are drawn from a task beside its stream."""

import numpy as np
from numpy.typing import NDArray

from catscale.data.batching import Batch, collate, plan_batches
from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.training.stream import count_tokens
from catscale.vocabulary.contract import Vocabulary


def draw_batches(
    direction: Direction, pairs: Pairs, vocabulary: Vocabulary, tokens: int, most: int, rng: np.random.Generator
) -> list[Batch]:
    """Draw pairs without replacement, two at least where there are two, and cut them into sub-batches.

    Args:
        direction: The task.
        pairs: Its pairs.
        vocabulary: Gives tags and control tokens.
        tokens: Target tokens of all sub-batches together, about; fewer where the task has fewer.
        most: Target positions of a sub-batch, at most.
        rng: Decides which pairs.
    """
    count = max(2, round(tokens * len(pairs) / count_tokens(pairs)))
    members: NDArray[np.int64] = rng.choice(len(pairs), min(count, len(pairs)), replace=False)
    plan = plan_batches(*pairs.lengths(members), most, rng)
    return [collate(pairs, members[numbers], vocabulary, direction) for numbers in plan]
