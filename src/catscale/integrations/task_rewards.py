"""Rewards for samplers that learn from gradients, measured on rows of a Trainer's data sets.

Legend: N tasks; a_n share of task n in the target tokens.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from catscale.errors import ConfigError
from catscale.integrations.seq2seq_loss import IGNORED
from catscale.integrations.tasks import list_names
from catscale.sampling import SAMPLERS, RewardRequest, Sampler
from catscale.sampling.contract import Reward
from catscale.sampling.sampler import NEEDED
from catscale.system.misuse import require_settings
from catscale.training.gradient_rewards import Loss, measure_moments, measure_requested

TaskBatches = Mapping[str, Mapping[str, Any]]
SPLITS = ("train", "dev")


@dataclass(frozen=True)
class TaskRewards:
    """The rewards of all tasks, each measured on as many rows as a micro-batch has.

    The rows follow from the seed and the step alone, and are the same on all processes.

    Attributes:
        train, dev: Task → the numbers of its rows in the training and in the evaluation data, none of these where they
            are not asked for.
        data: Split ("train", "dev") → its data set.
        collate: Rows → the batches of their tasks.
        loss: A task's batch and the number of its target tokens → its mean loss per token, ().
        rows: Rows of a batch at most.
        seed: The seed of the choice of rows.
    """

    train: Mapping[str, Sequence[int]]
    dev: Mapping[str, Sequence[int]]
    data: Mapping[str, Any]
    collate: Callable[[list[dict[str, Any]]], TaskBatches]
    loss: Callable[[Mapping[str, Any], float], Tensor]
    rows: int
    seed: int

    def measure(
        self, sampler: Sampler, request: RewardRequest, step: int, parameters: Sequence[Tensor]
    ) -> Mapping[str, Reward]:
        """Measure the reward per task after update number `step`, as `catscale.training.gradient_rewards` does.

        The shares a_n of a mixture are p_n times the mean target length of the rows that are measured.

        Raises:
            DivergedError: If a gradient is not finite.
        """
        tasks = sampler.tasks
        if request.against == "moments":
            return measure_moments({task: self._halves(task, step) for task in tasks}, parameters)
        batches = {task: self._batch("train", task, self.train[task], step) for task in tasks}
        dev = {task: self._batch("dev", task, self.dev[task], step) for task in tasks if self.dev.get(task)}
        train, valid = ({task: self._loss(batch) for task, batch in each.items()} for each in (batches, dev))
        lengths = np.array([_count_tokens(batch) / len(batch["labels"]) for batch in batches.values()])
        shares = sampler.probabilities(step) * lengths
        return measure_requested(request, train, valid, (shares / shares.sum()).tolist(), parameters)

    def _halves(self, task: str, step: int) -> tuple[Loss, Loss]:
        """Return the losses of two halves of a task's rows; of a single row, twice its loss."""
        chosen = self._choose("train", task, self.train[task], step)
        middle = len(chosen) // 2
        one, two = (
            self._loss(self._read("train", task, part)) for part in (chosen[:middle] or chosen, chosen[middle:])
        )
        return one, two

    def _batch(self, split: str, task: str, numbers: Sequence[int], step: int) -> Mapping[str, Any]:
        return self._read(split, task, self._choose(split, task, numbers, step))

    def _choose(self, split: str, task: str, numbers: Sequence[int], step: int) -> list[int]:
        rng = np.random.default_rng([self.seed, 2, SPLITS.index(split), list(self.train).index(task), step])
        chosen: list[int] = rng.choice(np.asarray(numbers), min(self.rows, len(numbers)), replace=False).tolist()
        return chosen

    def _read(self, split: str, task: str, chosen: Sequence[int]) -> Mapping[str, Any]:
        """Return the batch of some rows."""
        columns = set(self.data["train"][0])  # those that the Trainer has left
        rows = [dict(self.data[split][number]) for number in chosen]
        return self.collate([{name: row[name] for name in row if name in columns} for row in rows])[task]

    def _loss(self, batch: Mapping[str, Any]) -> Loss:
        return lambda: self.loss(batch, _count_tokens(batch))


def check_sampling(method: Any, arguments: Any, dev: Any, column: str) -> None:
    """Refuse a sampler that a Trainer cannot serve.

    Args:
        method: Settings of a sampler, or None.
        arguments: The Trainer's.
        dev: Its evaluation data.
        column: The column that names a row's task.

    Raises:
        ConfigError: If it is no sampler, learns while workers read ahead or from what a Trainer does not measure, or
            needs evaluation data that are not there.
    """
    if method is None:
        return
    require_settings(method, NEEDED, "sampler", "TemperatureSampling()", SAMPLERS)
    request = method.for_training(1).request
    if request is None:
        return
    unmeasured = {"dev_losses": "dev loss", "uncertainty": "dev uncertainty", "own_gap": "gap of train and dev"}
    if what := unmeasured.get(request.against):
        raise ConfigError(
            f"the sampler {method.name} learns from the {what} of each task, which the Trainer does not measure; "
            "take another sampler, or MixtureSampler in a loop of your own, whose update takes it"
        )
    if arguments.dataloader_num_workers:
        raise ConfigError(
            f"the sampler {method.name} learns during the training, and worker processes read ahead of it, found "
            f"dataloader_num_workers={arguments.dataloader_num_workers}; set it to 0"
        )
    if request.needs_dev and (dev is None or isinstance(dev, Mapping) or len(dev) == 0 or column not in dev[0]):
        raise ConfigError(
            f"the sampler {method.name} compares with gradients on evaluation data: eval_dataset must have rows that "
            f"name their task in the column {column!r}, found none; give some, or take CATSSampling(split='train')"
        )


def group_rows(rows: Any, column: str, tasks: Sequence[str]) -> dict[str, list[int]]:
    """Return the numbers of the rows of each task; rows of no task, or of another one, are left out."""
    found: dict[str, list[int]] = {task: [] for task in tasks}
    for number, name in enumerate(_find_names(rows, column)):
        if name is not None and name in found:
            found[name].append(number)
    return found


def _find_names(rows: Any, column: str) -> Iterable[str | None]:
    """Return the task of each row, None where it names none; of a `datasets.Dataset` only the column is read."""
    if rows is None or isinstance(rows, Mapping):
        return ()
    if column in getattr(rows, "column_names", ()):
        return list_names(rows, column)
    every = (rows[number] for number in range(len(rows)))
    return (str(row[column]) if column in row else None for row in every)


def _count_tokens(batch: Mapping[str, Any]) -> float:
    return float((batch["labels"] != IGNORED).sum())
