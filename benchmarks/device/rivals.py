"""What others write for the same training: a plain loop over transformers' model, and its Seq2SeqTrainer."""

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from benchmarks.device.bench import Bench
from benchmarks.plain_loop import make_plain_step
from torch import Tensor

UPDATES = 6  # of the Seq2SeqTrainer, of which the first ones are not measured
WARM_UP = 2


def measure_rivals(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the rows of catscale without balancing and of both rivals, with and without buckets."""
    yield bench.measure_training("catscale, fixed")
    step, parameters = plain_step(bench)
    yield {"name": "plain loop, the same buckets"} | bench.clock(step, parameters)
    if find_spec("accelerate") is None:
        yield {"name": "Seq2SeqTrainer", "note": "needs accelerate"}
        return
    for grouped in (False, True):
        yield {"name": f"Seq2SeqTrainer{', grouped by length' * grouped}"} | time_trainer(bench, grouped)


def plain_step(bench: Bench) -> tuple[Callable[[], int], int]:
    """Return a function that takes a step in one pass and returns its target tokens, and the model's parameters."""
    model = plain_model(bench)
    autocast = None if bench.device.type == "cpu" else torch.bfloat16
    step = make_plain_step(model, bench.stores[8], bench.tokens, bench.device, autocast)
    return step, sum(p.numel() for p in model.parameters())


def plain_model(bench: Bench) -> Any:
    """Return transformers' own model of the bench's first preset."""
    return bench.configure([]).model.build(bench.stores[8].vocabulary, (), 1).network


def time_trainer(bench: Bench, grouped: bool) -> dict[str, Any]:
    """Return the figures of a Seq2SeqTrainer: padded to the longest, as many sentences as tokens ask for."""
    from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments, TrainerCallback

    store, rows = bench.stores[8], take_rows(bench)
    each = max(1, round(bench.tokens / np.mean([len(row["labels"]) for row in rows])))
    marks: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *arguments: Any, **given: Any) -> None:
            bench.wait()
            marks.append(time.perf_counter())

    seen: list[int] = []

    def pad(chosen: list[dict[str, list[int]]]) -> dict[str, Tensor]:
        seen.append(sum(len(row["labels"]) for row in chosen))
        fill = {"input_ids": store.vocabulary.pad_id, "attention_mask": 0, "labels": -100}
        widths = {key: max(len(row[key]) for row in chosen) for key in fill}
        return {
            key: torch.tensor([row[key] + [value] * (widths[key] - len(row[key])) for row in chosen])
            for key, value in fill.items()
        }

    fields = Seq2SeqTrainingArguments.__dataclass_fields__
    by_length: dict[str, Any] = {"train_sampling_strategy": "group_by_length"}  # transformers 5
    if "train_sampling_strategy" not in fields:
        by_length = {"group_by_length": True}
    with TemporaryDirectory() as folder:
        arguments = Seq2SeqTrainingArguments(
            folder, max_steps=UPDATES, per_device_train_batch_size=each, report_to=[], save_strategy="no",
            logging_strategy="no", disable_tqdm=True, bf16=bench.device.type == "cuda",
            use_cpu=bench.device.type == "cpu", dataloader_num_workers=0, **(by_length if grouped else {}),
        )  # fmt: skip
        model = plain_model(bench)
        Seq2SeqTrainer(model, arguments, pad, rows, callbacks=[Clock()]).train()
    tokens = sum(seen[WARM_UP:UPDATES])
    seconds = marks[-1] - marks[WARM_UP - 1]
    parameters = sum(p.numel() for p in model.parameters())
    share = 6 * parameters * tokens / seconds / bench.peak if bench.peak else None
    figures = {"rate": tokens / seconds, "ms": 1000 * seconds / (UPDATES - WARM_UP)}
    return figures | {"share": share, "parameters": parameters}


def take_rows(bench: Bench) -> list[dict[str, list[int]]]:
    """Return enough sentences, with tags and ends, for all updates."""
    store, rows, tokens = bench.stores[8], list[dict[str, list[int]]](), 0
    vocabulary = store.vocabulary
    for number in range(10**9):
        for direction in store.directions:
            pairs = store.split("train", direction)
            index = number % len(pairs)
            source = [vocabulary.tags[direction.source], *pairs.source(index).tolist(), vocabulary.eos_id]
            target = [vocabulary.tags[direction.target], *pairs.target(index).tolist(), vocabulary.eos_id]
            rows.append({"input_ids": source, "attention_mask": [1] * len(source), "labels": target})
            tokens += len(target)
        if tokens > 2 * UPDATES * bench.tokens:
            return rows
    raise AssertionError
