"""The batch that gradients are measured on where it is not the step's.

Legend: N tasks.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from catscale.balancing.methods.statistics_settings import StatisticsBatch
from catscale.data.batching import Batch, collate, plan_batches
from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.training.setup import TrainingSetup
from catscale.training.stream import count_tokens


class StatisticsDraws:
    """Draws sentence pairs of all N tasks, for a step's measurement alone.

    Which ones depends on the seed, the step and the task; no stream moves.

    Args:
        setup: The run's parts.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        self.tasks = {stream.direction: stream.pairs for stream in setup.stream.streams}
        self.validation, self.vocabulary = setup.validation, setup.vocabulary
        self.max_tokens, self.seed = setup.config.pass_tokens, setup.config.seed

    def draw(self, wanted: StatisticsBatch, step: int) -> dict[str, list[Batch]]:
        """Draw the sub-batches of each task for update number `step`, two or more where it has two sentences."""
        held_out: Mapping[Direction, Pairs] = self.validation if wanted.split == "dev" else {}
        return {
            str(direction): self._draw_task(direction, held_out.get(direction, pairs), wanted.tokens, step)
            for direction, pairs in self.tasks.items()
        }

    def _draw_task(self, direction: Direction, pairs: Pairs, tokens: int, step: int) -> list[Batch]:
        rng = np.random.default_rng([self.seed, direction.random_key, step, 2])
        count = max(2, round(tokens * len(pairs) / count_tokens(pairs)))
        members: NDArray[np.int64] = rng.choice(len(pairs), min(count, len(pairs)), replace=False)
        plan = plan_batches(*pairs.lengths(members), min(self.max_tokens, tokens // 2), rng)
        return [collate(pairs, members[numbers], self.vocabulary, direction) for numbers in plan]
