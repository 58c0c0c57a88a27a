"""The endless stream of sub-batches of each task, whose position is a few numbers."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catscale.data.batching import Batch, collate, plan_batches
from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.errors import CheckpointError
from catscale.sampling import Sampler, draw_tasks
from catscale.settings.problems import shorten
from catscale.training.permutation import permute
from catscale.vocabulary.contract import Vocabulary

BLOCK = 1 << 17
"""Most sentence pairs that are planned at a time; a larger task is planned block by block."""


@dataclass(frozen=True)
class Position:
    """The position of a task in its data.

    Attributes:
        epoch: Epochs finished.
        taken: Sub-batches taken from the present block.
        owed: Target tokens that the task was drawn for and has not delivered; negative when it delivered more.
        block: Blocks finished in the present epoch.
    """

    epoch: int = 0
    taken: int = 0
    owed: int = 0
    block: int = 0


class TaskStream:
    """Sub-batches of one task, epoch after epoch; the order of an epoch depends on seed, task and epoch alone.

    A task of more than `BLOCK` pairs is divided anew at random in each epoch, into blocks that are sorted by length and
    cut into sub-batches one after the other, so that memory does not grow with the corpus.
    """

    def __init__(
        self,
        direction: Direction,
        pairs: Pairs,
        vocabulary: Vocabulary,
        max_tokens: int,
        seed: int,
        multiple: int = 1,
    ) -> None:
        self.direction, self.pairs, self.vocabulary = direction, pairs, vocabulary
        self.max_tokens, self.seed, self.multiple = max_tokens, seed, multiple
        self.position = Position()
        self._planned = (-1, -1)
        self._plan: list[NDArray[np.int64]] = []
        self._blocks = -(-len(pairs) // BLOCK)

    @property
    def plan(self) -> list[NDArray[np.int64]]:
        """Sub-batches of the present block of the present epoch, as sentence numbers."""
        epoch, block = self.position.epoch, self.position.block
        if self._planned != (epoch, block):
            key = [self.seed, self.direction.random_key, epoch]
            if self._blocks == 1:
                lengths = self.pairs.source_lengths, self.pairs.target_lengths
                self._plan = plan_batches(*lengths, self.max_tokens, np.random.default_rng(key))
            else:
                members = self._members(key, block)
                rng = np.random.default_rng([*key, block])
                plan = plan_batches(*self.pairs.lengths(members), self.max_tokens, rng)
                self._plan = [members[numbers] for numbers in plan]
            self._planned = epoch, block
        return self._plan

    def _members(self, key: Sequence[int], block: int) -> NDArray[np.int64]:
        """Return the sentence numbers of a block, ascending: a share of a random permutation of all."""
        size = len(self.pairs)
        start, end = block * size // self._blocks, (block + 1) * size // self._blocks
        return np.sort(permute(np.arange(start, end), size, np.random.default_rng(key)))

    @property
    def epochs(self) -> float:
        """The number of times that it has gone through its data, parts of an epoch counted."""
        position = self.position
        part = position.taken / len(self.plan) if position.taken else 0.0
        return position.epoch + (position.block + part) / self._blocks

    def go_to(self, position: Sequence[int]) -> None:
        """Go on from a position that was saved.

        Raises:
            CheckpointError: If it is of an earlier version, which planned large tasks whole.
            ValueError: If it is no place in these data.
        """
        if len(position) < len(astuple(self.position)) and self._blocks > 1:
            raise CheckpointError(
                f"the checkpoint's place in the data of {self.direction} is that of an earlier version of catscale; "
                "continue with that one, or train again in a new folder"
            )
        wrong = [value for value in position if type(value) is not int]
        found = None if wrong or not 3 <= len(position) <= 4 else Position(*position)
        if found is None or not (0 <= found.epoch < 2**31 and 0 <= found.block < self._blocks):
            raise ValueError(f"the place in the data of {self.direction} is none: {shorten(position)}")
        before, self.position = self.position, found
        if not 0 <= found.taken < len(self.plan) or abs(found.owed) > 100 * self.max_tokens:
            self.position = before
            raise ValueError(f"the place in the data of {self.direction} is beyond them: {shorten(position)}")

    def go_with(self, branch: "TaskStream") -> None:
        """Go to the place of a copy, with what it has planned."""
        self.position, self._planned, self._plan = branch.position, branch._planned, branch._plan

    def take(self, tokens: int) -> list[Batch]:
        """Take the next sub-batches, as many as bring the tokens delivered so far nearest to those requested.

        Sub-batches are not all of one size; what one call delivers too much or too little, the next makes up for.
        """
        batches = []
        position = self.position
        self.position = replace(position, owed=position.owed + tokens)
        while self.position.owed > 0:
            indices = self.plan[self.position.taken]
            delivered = int(self.pairs.lengths(indices)[1].sum()) + len(indices)  # `Batch.tokens`
            if 2 * self.position.owed < delivered:
                break
            batches.append(collate(self.pairs, indices, self.vocabulary, self.direction, self.multiple))
            self.position = replace(self._next(), owed=self.position.owed - delivered)
        return batches

    def _next(self) -> Position:
        """Return the position after one more sub-batch."""
        position = self.position
        if position.taken + 1 < len(self.plan):
            return replace(position, taken=position.taken + 1)
        if position.block + 1 < self._blocks:
            return replace(position, taken=0, block=position.block + 1)
        return replace(position, epoch=position.epoch + 1, taken=0, block=0)


def count_tokens(pairs: Pairs) -> int:
    """Count the target tokens of a split, the end of each sentence included."""
    return pairs.target_tokens + len(pairs)


class MixtureStream:
    """Steps of sub-batches drawn from all tasks.

    Args:
        tasks: Training pairs by direction.
        sampler: Gives the sampling probability p_n of each, in the same order: its share of the sentence pairs of a
            step. Sub-batches are equal in tokens, so that they are drawn in proportion to p_n times the task's mean
            length.
        vocabulary: The run's vocabulary.
        sub_batches: Sub-batches of a step.
        max_tokens: Target positions of a sub-batch.
        seed: The run's seed.
        each: Target tokens that every task has in every step; None where tasks are drawn. A sub-batch has no more.
        multiple: The positions of both sides of a sub-batch are rounded up to a multiple of this, by more padding.
    """

    def __init__(
        self,
        tasks: Mapping[Direction, Pairs],
        sampler: Sampler,
        vocabulary: Vocabulary,
        sub_batches: int,
        max_tokens: int,
        seed: int,
        each: int | None = None,
        multiple: int = 1,
    ) -> None:
        self.sampler, self.vocabulary, self.sub_batches, self.seed = sampler, vocabulary, sub_batches, seed
        self.each, max_tokens = each, max_tokens if each is None else min(max_tokens, each)
        self.mean_lengths = np.array([count_tokens(pairs) / len(pairs) for pairs in tasks.values()])
        self.streams = [TaskStream(d, pairs, vocabulary, max_tokens, seed, multiple) for d, pairs in tasks.items()]

    def token_shares(self, step: int) -> NDArray[np.float64]:
        """Return the (N,) share of each task in the target tokens of step number `step`."""
        tokens = self.sampler.probabilities(step) * self.mean_lengths
        shares: NDArray[np.float64] = tokens / tokens.sum()
        return shares

    def epochs(self, task: str) -> float:
        """Return how often the run has gone through a task's training pairs, parts of an epoch counted."""
        return next(stream.epochs for stream in self.streams if str(stream.direction) == task)

    def choose_tasks(self, step: int) -> NDArray[np.int64]:
        """Return the ids of the tasks that step number `step` takes from, once for each time, in ascending order."""
        if self.each is not None:
            return np.arange(len(self.streams))
        return draw_tasks(self.token_shares(step), self.sub_batches, self.seed, step)

    @property
    def step_tokens(self) -> int:
        """Target positions that a step takes, over all tasks."""
        if self.each is not None:
            return self.each * len(self.streams)
        return self.sub_batches * self.streams[0].max_tokens

    def take(self, step: int) -> dict[str, list[Batch]]:
        """Take the sub-batches of step number `step`, by task."""
        return self.take_of(self.choose_tasks(step))

    def take_of(self, chosen: NDArray[np.int64]) -> dict[str, list[Batch]]:
        """Take the sub-batches of a step whose tasks were chosen, by task; `chosen` as from `choose_tasks`."""
        batches: dict[str, list[Batch]] = {}
        for task in chosen:
            stream = self.streams[task]
            # Of every task one sub-batch or more: what it owes is never less than half of one.
            batches.setdefault(str(stream.direction), []).extend(stream.take(self.each or stream.max_tokens))
        found = {task: parts for task, parts in batches.items() if parts}
        return found if found else self.take_of(chosen)

    def branch(self) -> "MixtureStream":
        """Return a stream at the same place, which goes on without moving this one."""
        made = copy(self)
        made.streams = [copy(stream) for stream in self.streams]
        return made

    def go_with(self, branch: "MixtureStream") -> None:
        """Go to the place of a branch, with what it has planned."""
        for own, ahead in zip(self.streams, branch.streams, strict=True):
            own.go_with(ahead)

    def state_dict(self) -> dict[str, list[int]]:
        """Return the position per task; the sampler's state is saved beside it."""
        return {str(stream.direction): list(astuple(stream.position)) for stream in self.streams}

    def load_state_dict(self, state: Mapping[str, list[int]]) -> None:
        """Restore what `state_dict` returned."""
        for stream in self.streams:
            stream.go_to(state[str(stream.direction)])
