"""A part of a split: some of its sentence pairs, drawn once."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catscale.data.direction import Direction
from catscale.data.store.sentences import Sentences
from catscale.data.store.store import Pairs

SEED = 2021
"""The seed of the draw, not the run's: every run on the data takes the same part, so that their validations compare."""


class SampledPairs(Pairs):
    """Some of the pairs of a split, in their order.

    Args:
        pairs: All of them.
        size: The number of pairs to take, at random without repetition.
        direction: Theirs; another one gives other numbers.
    """

    def __init__(self, pairs: Pairs, size: int, direction: Direction) -> None:
        rng = np.random.default_rng([SEED, direction.random_key])
        self._pairs = pairs
        self.numbers: NDArray[np.int64] = np.sort(rng.choice(len(pairs), min(size, len(pairs)), replace=False))
        """The (size,) places of the pairs."""

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def source_lengths(self) -> NDArray[np.int32]:
        """(pairs,) int32 pieces of all sources, without tag and `</s>`."""
        return self._pairs.lengths(self.numbers)[0]

    @cached_property
    def target_lengths(self) -> NDArray[np.int32]:
        """(pairs,) int32 pieces of all targets, without tag and `</s>`."""
        return self._pairs.lengths(self.numbers)[1]

    @property
    def target_tokens(self) -> int:
        """Pieces of all targets, without tag and `</s>`."""
        return int(self.target_lengths.sum())

    def lengths(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the pieces of some sources and of their targets, each (indices,) int32."""
        return self._pairs.lengths(self.numbers[indices])

    def take(self, indices: NDArray[np.int64]) -> tuple[Sentences, Sentences]:
        """Return some sources and their targets."""
        return self._pairs.take(self.numbers[indices])

    def source(self, index: int) -> NDArray[Any]:
        """Return the (pieces,) ids of a source sentence, without tag and `</s>`."""
        return self._pairs.source(int(self.numbers[index]))

    def target(self, index: int) -> NDArray[Any]:
        """Return the (pieces,) ids of a target sentence, without tag and `</s>`."""
        return self._pairs.target(int(self.numbers[index]))

    def source_text(self) -> list[str]:
        """Return the source lines as they were."""
        return self._chosen(self._pairs.source_text())

    def target_text(self) -> list[str]:
        """Return the target lines as they were."""
        return self._chosen(self._pairs.target_text())

    def further_references(self) -> list[list[str]]:
        """Return other translations of the same lines, a list for each further file of references."""
        return [self._chosen(lines) for lines in self._pairs.further_references()]

    def _chosen(self, lines: Sequence[str]) -> list[str]:
        return [lines[number] for number in self.numbers]


def take_part(pairs: Mapping[Direction, Pairs], size: int | None) -> dict[Direction, Pairs]:
    """Take at most `size` pairs of each direction; None for all."""
    if size is None:
        return dict(pairs)
    return {d: SampledPairs(split, size, d) if len(split) > size else split for d, split in pairs.items()}
