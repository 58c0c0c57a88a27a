"""Translation with transformers' own Seq2SeqTrainer, which others are measured beside."""

from collections.abc import Callable, Iterator
from itertools import count, islice
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from catscale.data.store.store import Store

Row = dict[str, list[int]]
MEGABATCH = 50
"""Batches that transformers sorts at once, of a corpus of 200 or more."""


class TrainerRival:
    """A Seq2SeqTrainer over a prepared corpus: padded to the longest, as many sentences as the tokens ask for.

    Args:
        model: transformers' own.
        store: The corpus.
        tokens: Target tokens of an update, on average.
        updates: Updates of each training; all of the sentences are seen once in it.
        is_grouped: Whether sentences of like lengths are put together, as the Trainer does with `group_by_length`.
        device: A CPU or a GPU; the latter computes in bf16.
        clock: Gives seconds, once the device has done all that it was asked.
    """

    def __init__(
        self,
        model: Any,
        store: Store,
        tokens: int,
        updates: int,
        is_grouped: bool,
        device: torch.device,
        clock: Callable[[], float],
    ) -> None:
        self._model, self._pad, self._updates, self._device = model, store.vocabulary.pad_id, updates, device
        self._clock = clock
        mean = np.mean([len(row["labels"]) for row in islice(read_rows(store), 1000)])
        self._each = max(1, round(tokens / mean))
        self._rows = choose_rows(store, self._each, updates, is_grouped)

    def train(self) -> tuple[int, float]:
        """Train, and return the target tokens seen and the seconds from the first update to the last."""
        from torch.utils.data import SequentialSampler
        from transformers import Seq2SeqTrainer, TrainerCallback

        clock, marks = self._clock, list[float]()

        class Marks(TrainerCallback):
            def on_train_begin(self, *arguments: Any, **given: Any) -> None:
                marks.append(clock())

            def on_train_end(self, *arguments: Any, **given: Any) -> None:
                marks.append(clock())

        class InOrder(Seq2SeqTrainer):
            def _get_train_sampler(self, *arguments: Any, **given: Any) -> Any:
                return SequentialSampler(self.train_dataset)

        with TemporaryDirectory() as folder:
            settings = make_arguments(folder, self._updates, self._each, self._device)
            InOrder(self._model, settings, self._collate, self._rows, callbacks=[Marks()]).train()
        return sum(len(row["labels"]) for row in self._rows), marks[1] - marks[0]

    def _collate(self, rows: list[Row]) -> dict[str, Tensor]:
        fill = {"input_ids": self._pad, "attention_mask": 0, "labels": -100}
        widths = {key: max(len(row[key]) for row in rows) for key in fill}
        return {
            key: torch.tensor([row[key] + [value] * (widths[key] - len(row[key])) for row in rows])
            for key, value in fill.items()
        }


def make_arguments(folder: str, updates: int, each: int, device: torch.device) -> Any:
    """Return the Trainer's settings: its defaults, but for what would write, tell or load in other processes."""
    from transformers import Seq2SeqTrainingArguments

    return Seq2SeqTrainingArguments(
        folder, max_steps=updates, per_device_train_batch_size=each, report_to=[], save_strategy="no",
        logging_strategy="no", disable_tqdm=True, bf16=device.type == "cuda", use_cpu=device.type == "cpu",
        dataloader_num_workers=0,
    )  # fmt: skip


def choose_rows(store: Store, each: int, updates: int, is_grouped: bool) -> list[Row]:
    """Return the sentences of some updates, in order, of the batches that the Trainer makes of a corpus.

    It shuffles, and with `group_by_length` it sorts 50 batches by their sources' lengths. Of these, batches at like
    distances are taken, since a few from the first on would be the longest alone.

    Args:
        store: The corpus.
        each: Sentences of a batch.
        updates: Batches.
        is_grouped: Whether they are grouped.
    """
    from transformers.trainer_pt_utils import get_length_grouped_indices

    rows = list(islice(read_rows(store), MEGABATCH * each))
    generator = torch.Generator().manual_seed(1)
    order = torch.randperm(len(rows), generator=generator).tolist()
    if is_grouped:
        order = get_length_grouped_indices([len(row["input_ids"]) for row in rows], each, MEGABATCH, generator)
    starts = ((np.arange(updates) + 0.5) * MEGABATCH / updates).astype(int) * each
    return [rows[index] for start in starts for index in order[start : start + each]]


def read_rows(store: Store) -> Iterator[Row]:
    """Yield sentences with tags and ends, of all directions by turns, again and again."""
    vocabulary = store.vocabulary
    for number in count():
        for direction in store.directions:
            pairs = store.split("train", direction)
            index = number % len(pairs)
            source = [vocabulary.tags[direction.source], *pairs.source(index).tolist(), vocabulary.eos_id]
            target = [vocabulary.tags[direction.target], *pairs.target(index).tolist(), vocabulary.eos_id]
            yield {"input_ids": source, "attention_mask": [1] * len(source), "labels": target}
