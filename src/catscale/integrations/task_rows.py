"""Rows in the shares of a sampler, for a Trainer that reads row after row."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from torch.utils.data import Sampler as RowSampler

from catscale.errors import ConfigError
from catscale.integrations.mixture_sampler import MixtureSampler
from catscale.sampling import SAMPLERS, Sampling
from catscale.sampling.sampler import NEEDED
from catscale.system.misuse import require_settings


class TaskRows(RowSampler[int]):
    """The rows of each epoch, an update's rows behind each other, ordered by task.

    An epoch starts from its number alone: what was drawn in the epochs before is drawn again, without reading a row. So
    a Trainer that resumes, and skips what it had read of an epoch, goes on as if it had never stopped.

    Args:
        tasks: All tasks.
        names: The task of each row.
        method: Settings of a sampler that learns nothing.
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
            self._mixture.skip()
        for batch in self._mixture:
            yield from batch


def check_sampling(method: Any) -> None:
    """Refuse what a Trainer cannot draw rows with.

    Raises:
        ConfigError: If it is no sampler, or one that learns from gradients, which a Trainer does not measure.
    """
    require_settings(method, NEEDED, "sampler", "TemperatureSampling()", SAMPLERS)
    if method.for_training(1).request is not None:
        raise ConfigError(
            f"sampling of BalancedSeq2SeqTrainer must be a sampler that learns nothing from gradients, found "
            f"{method.name!r}; take temperature, temperature_schedule, unimax or pretrain_finetune, or give rewards to "
            "MixtureSampler.update in a loop of your own"
        )
