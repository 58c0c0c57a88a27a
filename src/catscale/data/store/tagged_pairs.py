"""A split whose sources begin with the tag of a corpus."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catscale.data.store.sentences import Sentences
from catscale.data.store.store import Pairs


class TaggedPairs(Pairs):
    """The pairs of a split, each source with one id more before its pieces.

    Args:
        pairs: The split, whose sources have no tag.
        tag: The id.
    """

    def __init__(self, pairs: Pairs, tag: int) -> None:
        self._pairs, self._tag = pairs, tag

    def __len__(self) -> int:
        return len(self._pairs)

    @cached_property
    def source_lengths(self) -> NDArray[np.int32]:
        """(pairs,) int32 pieces of all sources and the tag, without the language's tag and `</s>`."""
        return self._pairs.source_lengths + 1

    @cached_property
    def target_lengths(self) -> NDArray[np.int32]:
        """(pairs,) int32 pieces of all targets, without tag and `</s>`."""
        return self._pairs.target_lengths

    @property
    def target_tokens(self) -> int:
        """Pieces of all targets, without tag and `</s>`."""
        return self._pairs.target_tokens

    def lengths(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the pieces of some sources, with the tag, and of their targets, each (indices,) int32."""
        sources, targets = self._pairs.lengths(indices)
        return sources + 1, targets

    def take(self, indices: NDArray[np.int64]) -> tuple[Sentences, Sentences]:
        """Return some sources, with the tag, and their targets."""
        sources, targets = self._pairs.take(indices)
        return sources.behind(self._tag), targets

    def source(self, index: int) -> NDArray[Any]:
        """Return the (1 + pieces,) ids of the tag and a source sentence."""
        return np.concatenate([[self._tag], self._pairs.source(index)])

    def target(self, index: int) -> NDArray[Any]:
        """Return the (pieces,) ids of a target sentence, without tag and `</s>`."""
        return self._pairs.target(index)

    def source_text(self) -> list[str]:
        """Return the source lines as they were."""
        return self._pairs.source_text()

    def target_text(self) -> list[str]:
        """Return the target lines as they were."""
        return self._pairs.target_text()

    def further_references(self) -> list[list[str]]:
        """Return other translations of the same lines, a list for each further file of references."""
        return self._pairs.further_references()
