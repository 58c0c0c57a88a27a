"""Rewards of a run's sampler, measured on its training and validation data.

Legend: N tasks, M of them with a dev split, P parameter tensors.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer

from catscale.balancing.engine.adam_metric import make_scales
from catscale.data.batching import Batch, collate, plan_batches
from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.model.autocast import compute_in
from catscale.model.likelihood import batch_losses, mean_entropy
from catscale.model.mode import in_mode
from catscale.sampling import RewardRequest
from catscale.sampling.contract import Reward
from catscale.training.gradient_rewards import Loss, measure_moments, measure_own_gaps, measure_requested
from catscale.training.setup import TrainingSetup


class RewardMeter:
    """Measures rewards of a run on one sub-batch of training and one of validation data a task.

    Which ones depends on the seed, the step, and the present epoch of the training data alone; no stream moves. The
    model is in evaluation mode meanwhile: no dropout blurs the comparison, and no random number is drawn, so that what
    follows is the same on whichever process a task is measured.

    Args:
        setup: The run's parts; M directions have held-out pairs.
        parameters: P tensors that gradients are taken of; None for all that are trained.
        optimizer: Moves them; its second moments are a metric of their gradients. None for no such metric.
    """

    def __init__(
        self, setup: TrainingSetup, parameters: Sequence[Tensor] | None = None, optimizer: Optimizer | None = None
    ) -> None:
        self.config, self.model, self.stream = setup.config, setup.model, setup.stream
        self.parameters = list(setup.trainable_parameters().values()) if parameters is None else parameters
        self.validation, self.autocast, self.optimizer = setup.validation, setup.precision.dtype, optimizer

    def list_tasks(self, request: RewardRequest) -> list[str]:
        """Return the tasks that have a reward: all, or those with a dev split where others have none."""
        return list(map(str, self.validation)) if request.may_lack_tasks else self.stream.sampler.tasks

    def measure(self, request: RewardRequest, step: int) -> Mapping[str, Reward]:
        """Measure the reward per task after update number `step`; see `measure_requested` and the like."""
        with in_mode(self.model, False):
            if request.against == "moments":
                return measure_moments(self._train_halves(step), self.parameters)
            if request.against == "own_gap":
                scales = make_scales(self.optimizer, self.parameters)
                return measure_own_gaps(self._train_losses(step), self._valid_halves(step), self.parameters, scales)
            if request.against == "uncertainty":
                return self._measure_entropies(step)
            valid = self._valid_losses(step) if request.needs_dev else {}
            shares = self.stream.token_shares(step).tolist()
            return measure_requested(request, self._train_losses(step), valid, shares, self.parameters)

    @cached_property
    def _valid_plans(self) -> dict[Direction, list[NDArray[np.int64]]]:
        """The sub-batches of each dev split, which are the same at every measurement."""
        return {
            direction: plan_batches(pairs.source_lengths, pairs.target_lengths, self.config.pass_tokens)
            for direction, pairs in self.validation.items()
        }

    def _train_losses(self, step: int) -> dict[str, Loss]:
        streams = self.stream.streams
        return {str(s.direction): self._loss(s.direction, s.pairs, s.plan, [step, 0]) for s in streams}

    def _valid_losses(self, step: int) -> dict[str, Loss]:
        planned = self._valid_plans.items()
        return {str(d): self._loss(d, self.validation[d], plan, [step, 1]) for d, plan in planned}

    def _measure_entropies(self, step: int) -> dict[str, float]:
        """Return the mean entropy of the predictions on one dev sub-batch of each task that has one, nats."""
        found = {}
        for direction, plan in self._valid_plans.items():
            chosen = plan[self._choose(direction, plan, [step, 1])]
            batch = self._batch(direction, self.validation[direction], chosen)
            with compute_in(self.autocast, batch.labels.device):
                found[str(direction)] = mean_entropy(self.model, batch)
        return found

    def _train_halves(self, step: int) -> dict[str, tuple[Loss, Loss]]:
        """Return the losses of two halves of one sub-batch of each task."""
        streams = self.stream.streams
        return {str(s.direction): self._halves(s.direction, s.pairs, s.plan, [step, 0]) for s in streams}

    def _valid_halves(self, step: int) -> dict[str, tuple[Loss, Loss]]:
        """Return the losses of two halves of one dev sub-batch of each task that has one."""
        planned = self._valid_plans.items()
        return {str(d): self._halves(d, self.validation[d], plan, [step, 1]) for d, plan in planned}

    def _halves(
        self, direction: Direction, pairs: Pairs, plan: list[NDArray[np.int64]], key: list[int]
    ) -> tuple[Loss, Loss]:
        """Return the losses of two halves of one sub-batch of a plan, chosen by the key.

        Where it holds one sentence, the next sub-batch is the other half: the same one where the task has no other.
        """
        place = self._choose(direction, plan, key)
        chosen, middle = plan[place], len(plan[place]) // 2
        parts = chosen[:middle], chosen[middle:]
        if not middle:
            parts = chosen, plan[(place + 1) % len(plan)]
        one, two = (self._loss_of(direction, pairs, part) for part in parts)
        return one, two

    def _choose(self, direction: Direction, plan: list[NDArray[np.int64]], key: list[int]) -> int:
        """Return the number of a sub-batch of a plan, chosen by the key."""
        rng = np.random.default_rng([self.config.seed, direction.random_key, *key])
        return int(rng.integers(len(plan)))

    def _loss(self, direction: Direction, pairs: Pairs, plan: list[NDArray[np.int64]], key: list[int]) -> Loss:
        """Return a function that computes the loss of one sub-batch of a plan, chosen by the key."""
        return self._loss_of(direction, pairs, plan[self._choose(direction, plan, key)])

    def _loss_of(self, direction: Direction, pairs: Pairs, indices: NDArray[np.int64]) -> Loss:
        """Return a function that computes the mean smoothed loss per token of some sentences."""

        def compute() -> Tensor:
            batch = self._batch(direction, pairs, indices)
            with compute_in(self.autocast, batch.labels.device):
                loss, _ = batch_losses(self.model, batch, self.config.label_smoothing)
            return loss / batch.tokens

        return compute

    def _batch(self, direction: Direction, pairs: Pairs, indices: NDArray[np.int64]) -> Batch:
        return collate(pairs, indices, self.stream.vocabulary, direction).to(self.model.device)
