"""A mixture of tasks for PyTorch's data loaders, drawn by a sampler of catscale.

Legend: N tasks; a step is one batch over all processes, of B rows.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils import data

from catscale.errors import CheckpointError, ConfigError
from catscale.sampling import SAMPLERS, RewardRequest, Sampler, Sampling, draw_tasks
from catscale.sampling.contract import Reward
from catscale.sampling.sampler import NEEDED
from catscale.system.misuse import require_settings

REMEMBERED = 4096
"""The last steps whose positions are kept, for the state before those that a loader has fetched ahead."""


@dataclass(frozen=True)
class MixturePosition:
    """The place of a mixture in its data.

    Attributes:
        step: Steps drawn.
        taken: (N,) rows that each task has given so far; after all of its rows it begins again.
    """

    step: int
    taken: tuple[int, ...]


class MixtureSampler(data.Sampler[list[int]]):
    """A `batch_sampler` for `torch.utils.data.DataLoader`: rows of N tasks in the shares of a sampler.

    The tasks are drawn by `catscale.sampling.draw_tasks`, so that one of probability p_n has ⌊B p_n⌋ or ⌈B p_n⌉ rows of
    a batch, B p_n on average. Rows of a task come in random order, all of them before one comes again. Everything
    follows from the seed, the step and the sampler's state, on every process in the same way; each takes its part.

    A pass over the loader has `length` batches and goes on where the one before ended. With worker processes, the
    loader is some batches ahead of the training: give `state_dict` the number of batches that it has used; and what
    `update` learns applies to batches that are not fetched yet.

    Example:
        >>> from catscale.sampling import TemperatureSampling
        >>> mixture = MixtureSampler({"en-az": 2, "en-fr": 8}, TemperatureSampling(temperature=1), batch_size=5)
        >>> [[index < 2 for index in batch] for batch in mixture]
        [[True, False, False, False, False], [True, False, False, False, False]]

    Args:
        sizes: Rows of each task, in the order in which `torch.utils.data.ConcatDataset` puts the tasks' data sets
            behind each other.
        method: Settings of a sampler, such as `TemperatureSampling()`; see `catscale.sampling.SAMPLERS`.
        batch_size: Rows of a batch on each process.
        seed: Seed of the draws and the orders, the same on all processes.
        rank, world_size: Number of this process and of all; None for those of `torch.distributed`, if it is in use.
        length: Batches of a pass; None for as many as the rows make.
        steps: Batches of the whole training, for samplers that follow from it; with it, a row counts as a token.
        rows: Task → the numbers of its rows in the data set, where tasks are not behind each other.
        old: The tasks that a pre-trained model can do already; `method.replay` is the share of these together.

    Raises:
        ConfigError: If a number is out of its range, or rows do not fit the sizes.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        method: Sampling[Any],
        *,
        batch_size: int,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        length: int | None = None,
        steps: int | None = None,
        rows: Mapping[str, Sequence[int]] | None = None,
        old: Collection[str] = (),
    ) -> None:
        require_settings(method, NEEDED, "sampler", "TemperatureSampling()", SAMPLERS)
        rank, world_size = _find_place(rank, world_size)
        _check_numbers({"batch_size": batch_size, "length": length, "steps": steps}, least=1)
        _check_numbers({"seed": seed}, least=0)
        self.batch_size, self.seed, self.rank, self.world_size = batch_size, seed, rank, world_size
        if steps is not None:
            method = method.for_training(steps).for_data(dict.fromkeys(sizes, 1.0), float(self.step_size))
        self.sampler = Sampler(method, sizes, old)
        self.sizes = [int(size) for size in sizes.values()]
        self._rows = _place_rows(self.sampler.tasks, self.sizes, rows)
        self.length = length or -(-sum(self.sizes) // self.step_size)
        self._orders: dict[int, tuple[int, NDArray[np.int64]]] = {}
        self._history = deque([MixturePosition(0, (0,) * len(self.sizes))], maxlen=REMEMBERED)

    @property
    def step_size(self) -> int:
        """B, rows of a batch over all processes."""
        return self.batch_size * self.world_size

    @property
    def step(self) -> int:
        """Steps drawn so far."""
        return self._history[-1].step

    @property
    def request(self) -> RewardRequest | None:
        """The rewards that `update` is to be given, and how often; None for a sampler that learns nothing."""
        return self.sampler.request

    def __len__(self) -> int:
        """Return the batches of a whole pass."""
        return self.length

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this process's part of each batch until the pass ends, as numbers of rows."""
        for _ in range(self.length - self.step % self.length):
            yield self.draw()[self.rank :: self.world_size]

    def draw(self) -> list[int]:
        """Draw the next batch of all processes, B numbers of rows ordered by task."""
        starts = self._history[-1].taken
        self.skip()
        found: list[int] = []
        for task, (start, end) in enumerate(zip(starts, self._history[-1].taken, strict=True)):
            found += [self._row(task, place) for place in range(start, end)]
        return found

    def skip(self) -> None:
        """Draw the next batch without looking up its rows."""
        position = self._history[-1]
        step = position.step + 1
        tasks = draw_tasks(self.sampler.probabilities(step), self.step_size, self.seed, step)
        counts = np.bincount(tasks, minlength=len(self.sizes)).tolist()
        taken = tuple(start + count for start, count in zip(position.taken, counts, strict=True))
        self._history.append(MixturePosition(step, taken))

    def _row(self, task: int, place: int) -> int:
        """Return the row that a task gives after `place` others."""
        epoch, index = divmod(place, self.sizes[task])
        if self._orders.get(task, (-1, None))[0] != epoch:
            order = np.random.default_rng([self.seed, 1, task, epoch]).permutation(self.sizes[task])
            self._orders[task] = epoch, order
        return int(self._rows[task][self._orders[task][1][index]])

    def update(self, rewards: Mapping[str, Reward]) -> None:
        """Move the sampler by what it asks for: the losses or rewards of all N tasks (see `request`).

        Raises:
            ConfigError: If they are not those of the tasks.
            DivergedError: If one is not finite; the state is untouched.
        """
        self.sampler.update(rewards)

    def state_dict(self, step: int | None = None) -> dict[str, Any]:
        """Return the sampler's state and the place in the data: tensors, numbers and texts only.

        Args:
            step: Batches that the training has used; None for all that were drawn.

        Raises:
            ConfigError: If that step is not among the latest.
        """
        found = [one for one in self._history if step is None or one.step == step]
        if not found:
            raise ConfigError(
                f"step must be one of the latest {len(self._history):,}, {self._history[0].step:,} to {self.step:,}, "
                f"found {step!r}; give the number of batches that were used since the beginning"
            )
        place = {"step": found[-1].step, "taken": list(found[-1].taken)}
        return {"sampler": self.sampler.state_dict(), **self._identity(), **place}

    def load_state_dict(self, content: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned, bit for bit; the processes may be others, if B is the same.

        Raises:
            CheckpointError: If it belongs to other data, another seed or sampler, or is nothing of the kind.
        """
        kind = content if isinstance(content, Mapping) else {}
        for name, value in self._identity().items():
            if kind.get(name) != value:
                raise CheckpointError(
                    f"the saved mixture must have the {name} {value}, found {kind.get(name)!r}; build it with what it "
                    "was saved with"
                )
        position = self._place_of(kind.get("step"), kind.get("taken"))
        self.sampler.load_state_dict(kind.get("sampler", {}))
        self._history = deque([position], maxlen=REMEMBERED)

    def _place_of(self, step: Any, taken: Any) -> MixturePosition:
        """Return a place that was saved.

        Raises:
            CheckpointError: If it is none in these data.
        """
        numbers: list[Any] = [step, *taken] if isinstance(taken, list) else []
        is_place = len(numbers) == 1 + len(self.sizes) and all(type(one) is int and one >= 0 for one in numbers)
        if not is_place or sum(numbers[1:]) != numbers[0] * self.step_size:
            raise CheckpointError(
                f"the saved mixture must have taken {self.step_size} rows a step, found {step!r} steps and the rows "
                f"{taken!r}; load another checkpoint"
            )
        return MixturePosition(numbers[0], tuple(numbers[1:]))

    def _identity(self) -> dict[str, Any]:
        """Return what must be the same when a state is loaded."""
        return {"seed": self.seed, "step_size": self.step_size, "sizes": list(self.sizes)}


def _find_place(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Return the number of this process and of all.

    Raises:
        ConfigError: If they are not.
    """
    is_distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    if rank is None and world_size is None and is_distributed:
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    rank, world_size = rank or 0, 1 if world_size is None else world_size
    if not 0 <= rank < world_size:
        raise ConfigError(f"rank must be from 0 to world_size − 1, found {rank} of {world_size}; give both, or neither")
    return rank, world_size


def _check_numbers(numbers: Mapping[str, Any], least: int) -> None:
    """Refuse what is no whole number of `least` or more; None may be.

    Raises:
        ConfigError: Naming it.
    """
    for name, value in numbers.items():
        if value is not None and (not isinstance(value, Integral) or isinstance(value, bool) or value < least):
            raise ConfigError(f"{name} must be a whole number of {least} or more, found {value!r}; give one")


def _place_rows(
    tasks: Sequence[str], sizes: Sequence[int], rows: Mapping[str, Sequence[int]] | None
) -> list[NDArray[np.int64]]:
    """Return the numbers of each task's rows.

    Raises:
        ConfigError: If the rows do not fit the sizes.
    """
    if rows is None:
        ends = np.cumsum([0, *sizes])
        return [np.arange(start, end) for start, end in pairwise(ends)]
    for task, size in zip(tasks, sizes, strict=True):
        if len(rows.get(task, ())) != size:
            raise ConfigError(
                f"rows must give as many numbers as sizes has, found {len(rows.get(task, ()))} for {task!r}, which has "
                f"{size}; give all of them"
            )
    return [np.asarray(rows[task], dtype=np.int64) for task in tasks]
