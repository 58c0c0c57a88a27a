"""Sub-batches of one task with little padding, and their tensors.

Legend: B sentences, S source positions, T target positions, M predicted tokens.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catscale.data.carrying import carry
from catscale.data.direction import Direction
from catscale.data.store.sentences import Sentences, places_of
from catscale.data.store.store import Pairs
from catscale.vocabulary.contract import Vocabulary

EXTRA = 2
"""Positions that a sentence has beside its pieces: the language tag and `</s>`."""
IGNORED = -100
"""Label of the positions that are not predicted."""
SOURCE_ALLOWANCE = 2
"""A sub-batch may hold this many times `max_tokens` positions on the source side."""
WINDOW = 0.03
"""Widest window of target lengths, as a share of the length."""
DENSE = 16
"""Sub-batches' worth of sentences from which a window is not widened."""
SPARSE = 32
"""Sub-batches' worth of sentences below which the lengths to sort by are blurred."""
SOURCE_PADDING = 0.1
"""Share of source padding at which a sub-batch is cut early."""


@dataclass(frozen=True)
class Batch:
    """Sentences of one direction, padded to a rectangle.

    Attributes:
        input_ids: (B, S) int64, `[tag] pieces </s>` of the source.
        attention_mask: (B, S) int64, or None where nothing is padded.
        decoder_input_ids: (B, T) int64, `</s> [tag] pieces` of the target.
        labels: (B, T) int64, `-100 pieces </s>`: the tag is given, never predicted.
        predicted: (M,) int64, the places of the labels that are predicted, in the flattened labels; ascending.
        direction: The direction of the translation.
    """

    input_ids: Tensor
    attention_mask: Tensor | None
    decoder_input_ids: Tensor
    labels: Tensor
    predicted: Tensor
    direction: Direction

    @property
    def tokens(self) -> int:
        """Labels that are predicted, M."""
        return len(self.predicted)

    @property
    def shape(self) -> tuple[int, int, int]:
        """B, S and T."""
        rows, source = self.input_ids.shape
        return rows, source, self.labels.shape[1]

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Its tensors by name."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on another device."""
        moved: dict[str, Any] = carry(self.tensors, device)
        return replace(self, **moved)

    def halves(self) -> list["Batch"]:
        """Return two batches of half the sentences each; the batch alone if it holds one sentence."""
        middle, size = len(self.labels) // 2, len(self.labels)
        return [self.rows(0, middle), self.rows(middle, size)] if middle else [self]

    def rows(self, start: int, end: int) -> "Batch":
        """Return the sentences from one number up to another, as they lie in memory."""
        mask = None if self.attention_mask is None else self.attention_mask[start:end]
        labels, width = self.labels[start:end], self.labels.shape[1]
        inside = (self.predicted >= start * width) & (self.predicted < end * width)
        predicted = self.predicted[inside] - start * width
        inputs, outputs = self.input_ids[start:end], self.decoder_input_ids[start:end]
        return Batch(inputs, mask, outputs, labels, predicted, self.direction)


def plan_batches(
    source_lengths: NDArray[np.int32],
    target_lengths: NDArray[np.int32],
    max_tokens: int,
    rng: np.random.Generator | None = None,
) -> list[NDArray[np.int64]]:
    """Cut a task into sub-batches of sentences of nearly the same target and source length.

    Sentences are ordered by window of target lengths, then by source length (ascending and descending by turns, so
    that it does not jump where the window changes), then at random. A window is one target length where the task
    has many sentences of it, and at most 3% of the length wide where it has few, so that source lengths lie dense
    in it. The order is cut so that no sub-batch has more than `max_tokens` target positions, padding included
    (a longer sentence stands alone), and earlier, down to a quarter of that, where sources would be padded by a
    tenth.

    Args:
        source_lengths: (n,) pieces of each source.
        target_lengths: (n,) pieces of each target.
        max_tokens: Target positions of a sub-batch.
        rng: Shuffles equals, the sizes of the sub-batches (by a fifth) and their order, and for a task of few
            sub-batches the lengths that it sorts by, a little, so that they are not the same in every epoch; None
            for none of these.

    Returns:
        Sub-batches as arrays of sentence numbers; together they hold every sentence once.
    """
    source, target = source_lengths.astype(np.int64) + EXTRA, target_lengths.astype(np.int64) + EXTRA
    by_source, by_target = source, target
    if rng is not None and target.sum() < SPARSE * max_tokens:
        by_source = source + rng.integers(-1, 2, len(source)) * (source // 8 + 1)
        by_target = np.maximum(target + (rng.integers(0, 8, len(target)) == 0), 1)
    tie = rng.permutation(len(target)) if rng is not None else np.arange(len(target))
    window = _windows(by_target, max_tokens)
    order = np.lexsort((tie, np.where(window % 2 == 0, by_source, -by_source), window))
    cuts = list(_cut(source[order], target[order], max_tokens, rng))
    batches = np.split(order, cuts[:-1]) if cuts else []
    if rng is not None:
        rng.shuffle(batches)
    return batches


def _windows(target: NDArray[np.int64], max_tokens: int) -> NDArray[np.int64]:
    """Return the (n,) number of the window of target lengths that each sentence falls into."""
    if not len(target):
        return target
    counts = np.bincount(target)
    numbers = np.zeros_like(counts)
    number, start, held = 0, int(target.min()), 0
    for length in range(start, len(counts)):
        if length - start >= WINDOW * length or held * length >= DENSE * max_tokens:
            number, start, held = number + 1, length, 0
        numbers[length] = number
        held += int(counts[length])
    return numbers[target]


def _cut(
    source: NDArray[np.int64], target: NDArray[np.int64], max_tokens: int, rng: np.random.Generator | None
) -> Iterator[int]:
    """Yield the ends of the sub-batches of sentences in order."""
    start = 0
    while start < len(target):
        limit = max_tokens if rng is None else int(max_tokens * rng.uniform(0.8, 1.0))
        stop = min(start + max(1, limit // int(target[start])) + 1, len(target))
        count = np.arange(1, stop - start + 1)
        width = np.maximum.accumulate(target[start:stop]) * count
        height = np.maximum.accumulate(source[start:stop]) * count
        dense = (height - np.cumsum(source[start:stop]) <= SOURCE_PADDING * height) | (width <= max_tokens // 4)
        fits = (width <= limit) & (height <= SOURCE_ALLOWANCE * limit) & dense
        start += max(1, len(fits) if fits.all() else int(np.argmin(fits)))
        yield start


def collate(
    pairs: Pairs,
    indices: Sequence[int] | NDArray[np.int64],
    vocabulary: Vocabulary,
    direction: Direction,
    multiple: int = 1,
) -> Batch:
    """Make the tensors of some sentence pairs of one direction.

    Args:
        pairs: A split of the direction.
        indices: B sentence numbers.
        vocabulary: Gives tags and control tokens.
        direction: Gives the two languages.
        multiple: S and T are rounded up to a multiple of this, by more padding.
    """
    return fill_batch(*pairs.take(np.asarray(indices, np.int64)), vocabulary, direction, multiple)


def make_batch(
    sources: Sequence[Sequence[int] | NDArray[np.integer]],
    targets: Sequence[Sequence[int] | NDArray[np.integer]],
    vocabulary: Vocabulary,
    direction: Direction,
) -> Batch:
    """Make the tensors of B sentences given as pieces without tag and `</s>`; see `Batch` for the layout."""
    return fill_batch(Sentences.join(sources), Sentences.join(targets), vocabulary, direction)


def fill_batch(
    sources: Sentences, targets: Sentences, vocabulary: Vocabulary, direction: Direction, multiple: int = 1
) -> Batch:
    """Make the tensors of B sentence pairs; see `Batch` for the layout, and `collate` for the multiple."""
    eos, pad = vocabulary.eos_id, vocabulary.pad_id
    input_ids = _lay_out(sources, 1, pad, multiple, eos)
    labels = _lay_out(targets, 1, IGNORED, multiple, eos)
    decoder_input_ids = _lay_out(targets, 2, pad, multiple)
    input_ids[:, 0] = vocabulary.tag(direction.source)
    decoder_input_ids[:, 0], decoder_input_ids[:, 1] = eos, vocabulary.tag(direction.target)
    padded = sources.lengths.min() + EXTRA < input_ids.shape[1]
    mask = torch.from_numpy((input_ids != pad).astype(np.int64)) if padded else None
    predicted = np.flatnonzero(labels != IGNORED)
    inputs, outputs, wanted, places = map(torch.from_numpy, (input_ids, decoder_input_ids, labels, predicted))
    return Batch(inputs, mask, outputs, wanted, places, direction)


def _lay_out(sentences: Sentences, start: int, filler: int, multiple: int, end: int | None = None) -> NDArray[np.int64]:
    """Return a rectangle of B rows with each sentence from column `start` on, and its end; longest + `EXTRA` columns,
    rounded up."""
    lengths = sentences.lengths.astype(np.int64)
    width = -(-(int(lengths.max()) + EXTRA) // multiple) * multiple
    rows = np.arange(len(lengths), dtype=np.int64) * width + start
    rectangle = np.full(len(lengths) * width, filler, np.int64)
    rectangle[places_of(rows, lengths)] = sentences.ids
    if end is not None:
        rectangle[rows + lengths] = end
    return rectangle.reshape(len(lengths), width)


@dataclass(frozen=True)
class Padding:
    """Share of positions that are padding, over all sub-batches of an epoch."""

    source: float
    target: float


def measure_padding(tasks: Iterable[tuple[Pairs, Sequence[NDArray[np.int64]]]]) -> Padding:
    """Measure the padding of an epoch of several tasks.

    Args:
        tasks: The pairs of each task and its sub-batches, as `plan_batches` makes them.
    """
    used, held = np.zeros(2), np.zeros(2)
    for pairs, batches in tasks:
        for batch in batches:
            for side, lengths in enumerate(pairs.lengths(batch)):
                used[side] += lengths.sum() + EXTRA * len(batch)
                held[side] += (lengths.max() + EXTRA) * len(batch)
    source, target = 1 - used / held
    return Padding(float(source), float(target))
