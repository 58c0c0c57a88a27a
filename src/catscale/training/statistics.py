"""Gradients that are measured on a batch which is not the step's.

Legend: N tasks.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from catscale.balancing.contract import Request
from catscale.balancing.engine.balanced_step import GradientMeasurement
from catscale.balancing.engine.optional_members import read_statistics_batch
from catscale.balancing.methods.statistics_settings import StatisticsBatch
from catscale.data.batching import Batch
from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.model.mode import in_mode
from catscale.training.sample_batches import draw_batches
from catscale.training.setup import TrainingSetup
from catscale.training.step_losses import LossBuilder


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
        return draw_batches(direction, pairs, self.vocabulary, tokens, min(self.max_tokens, tokens // 2), rng)


class StatisticsMeter:
    """Measures gradients apart from the step, where the balancing method has a batch of its own for them.

    Args:
        setup: The run's parts.
        builder: Builds the losses.
    """

    def __init__(self, setup: TrainingSetup, builder: LossBuilder) -> None:
        self.balancer, self.model, self.builder = setup.balancer, setup.model, builder
        self.wanted = read_statistics_batch(setup.balancer.method)
        self.draws = None if self.wanted is None else StatisticsDraws(setup)

    @property
    def request(self) -> Request:
        """The measurements that the coming step makes on its own sub-batches."""
        return self.balancer.request if self.wanted is None else Request()

    def measure(self, step: int) -> GradientMeasurement | None:
        """Measure what update number `step` asks for; None where that is nothing, or of the step's own sub-batches.

        Raises:
            DivergedError: If a loss or gradient is not finite.
        """
        request = self.balancer.request
        if self.wanted is None or self.draws is None or request.kind == "nothing":
            return None
        losses = self.builder.build(self.draws.draw(self.wanted, step), replace(request, halves=True))
        with in_mode(self.model, self.wanted.is_training):
            return self.balancer.measure(losses.losses, losses.tokens, losses.plan)
