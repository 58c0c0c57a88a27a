"""Rows in the shares of a sampler, for a Trainer that reads row after row."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Sampler as RowSampler

from catscale.errors import CheckpointError, ConfigError
from catscale.integrations.mixture_sampler import MixtureSampler
from catscale.sampling import SamplerState, Sampling
from catscale.sampling.contract import Reward
from catscale.system.reading.json_file import read_json
from catscale.system.reading.schema import FileSchema
from catscale.system.writing.files import write_json

AHEAD = 3
"""Updates from one whose rewards are measured to the first whose rows are not drawn yet."""
REWARDS_FILE = "catscale_sampler.json"


class RewardsOfStep(FileSchema):
    """The rewards of one update.

    Attributes:
        after: Its number.
        of: Task → reward.
    """

    after: int
    of: dict[str, float | list[float]]


class LossSums(FileSchema):
    """Sums of the training losses and of the target tokens since the latest of the rewards, by task."""

    nats: list[float]
    tokens: list[float]


class RewardsFile(FileSchema):
    """The content of `REWARDS_FILE`; without sums, it is of an earlier version."""

    rewards: list[RewardsOfStep]
    losses: LossSums | None = None


class TaskRows(RowSampler[int]):
    """The rows of each epoch, an update's rows behind each other, ordered by task.

    An epoch starts from its number, and from what the sampler has learnt: what was drawn in the epochs before is drawn
    again, without reading a row. So a Trainer that resumes, and skips what it had read of an epoch, goes on as if it
    had never stopped. It reads ahead, an update at most without worker processes: what is learnt after an update
    counts from the third one after it.

    Attributes:
        sampler: The sampler as it has learnt so far.
        rows: Task → the numbers of its rows.
        learnt: Number of an update and the rewards after it, in order.

    Args:
        tasks: All tasks.
        names: The task of each row.
        method: Settings of a sampler.
        update_rows: Rows of an update, over all processes and micro-batches.
        updates: Updates of the whole training; None where it counts epochs, which it is given then.
        epochs: Epochs of the training.
        seed: The seed of the draws.
        epoch_now: Returns the number of the epoch that begins or goes on, from 0, of the updates of an epoch.
        old: The tasks that the model can do already; `method.replay` is their share.

    Raises:
        ConfigError: If a row is of another task, or a task has no rows.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        names: Sequence[str],
        method: Sampling[Any],
        *,
        update_rows: int,
        updates: int | None,
        epochs: float,
        seed: int,
        epoch_now: Callable[[int], int],
        old: Collection[str] = (),
    ) -> None:
        rows: dict[str, list[int]] = {task: [] for task in tasks}
        for number, name in enumerate(names):
            if name not in rows:
                raise ConfigError(
                    f"every row must name one of the tasks {', '.join(tasks)}, found {name!r} in row {number}; correct "
                    "the data, or add it to tasks"
                )
            rows[name].append(number)
        sizes = {task: len(numbers) for task, numbers in rows.items()}
        self.length = -(-len(names) // update_rows)
        steps = updates or max(1, round(epochs * self.length))

        def build() -> MixtureSampler:
            return MixtureSampler(
                sizes, method, batch_size=update_rows, seed=seed, rank=0, world_size=1, steps=steps, rows=rows, old=old
            )

        self._build, self._epoch_now, self._mixture = build, epoch_now, build()
        self.sampler, self.rows = build().sampler, rows
        self.learnt: list[tuple[int, dict[str, Reward]]] = []
        self._states: list[tuple[int, SamplerState]] = []
        self.update_rows = update_rows

    def __len__(self) -> int:
        """Return the rows of an epoch, those of a whole number of updates."""
        return self.length * self.update_rows

    def __iter__(self) -> Iterator[int]:
        """Yield the rows of the epoch that begins."""
        start = self._epoch_now(self.length) * self.length
        if self._mixture.step > start:
            self._mixture = self._build()
        while self._mixture.step < start:
            self._recall()
            self._mixture.skip()
        for _ in range(self.length):
            self._recall()
            yield from self._mixture.draw()

    def _recall(self) -> None:
        """Give the mixture the state that counts for its next step."""
        known = bisect_right(self._states, self._mixture.step + 1 - AHEAD, key=lambda entry: entry[0])
        if known:
            self._mixture.sampler.state = self._states[known - 1][1]

    def learn(self, step: int, rewards: Mapping[str, Reward]) -> None:
        """Move the sampler by rewards that were measured after update number `step`."""
        self.sampler.update(rewards)
        self._states.append((step, self.sampler.state))
        self.learnt.append((step, dict(rewards)))

    def _are_of_tasks(self, names: Collection[str]) -> bool:
        """Return whether rewards are of all tasks, or of some where that may be."""
        request, tasks = self.sampler.request, set(self.sampler.tasks)
        return set(names) <= tasks if request is not None and request.may_lack_tasks else set(names) == tasks

    def save(self, folder: Path) -> None:
        """Write all rewards into a folder of a checkpoint, where the sampler wants any."""
        if self.sampler.request is not None:
            sums = {name: value.tolist() for name, value in self.sampler.losses.state_dict().items()}
            rewards = [{"after": step, "of": of} for step, of in self.learnt]
            write_json(folder / REWARDS_FILE, {"rewards": rewards, "losses": sums})

    def load(self, folder: Path, step: int) -> None:
        """Learn again from the rewards that `save` wrote.

        Args:
            folder: The checkpoint.
            step: The update that it was written after.

        Raises:
            CheckpointError: If there are none, or they are of other tasks.
        """
        content = read_json(folder / REWARDS_FILE, RewardsFile, CheckpointError, "resume from another checkpoint")
        self.sampler, self._states, self.learnt = self._build().sampler, [], []
        for entry in content["rewards"]:
            if not self._are_of_tasks(entry["of"]) or not entry["after"] < step:
                raise CheckpointError(
                    f"{folder / REWARDS_FILE} must have rewards of {', '.join(self.sampler.tasks)} before step {step}, "
                    f"found those of {', '.join(entry['of'])} after step {entry['after']}; resume from another "
                    "checkpoint"
                )
            of = {task: tuple(value) if isinstance(value, list) else value for task, value in entry["of"].items()}
            self.learn(entry["after"], of)
        if (sums := content.get("losses")) is not None:
            tensors = {name: torch.tensor(sums[name], dtype=torch.float64) for name in ("nats", "tokens")}
            self.sampler.losses.load_state_dict(tensors)
