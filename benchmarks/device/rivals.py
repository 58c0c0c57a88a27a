"""What others write for the same training: a plain loop over transformers' model, and its Seq2SeqTrainer."""

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import torch
from benchmarks.device.bench import Bench
from benchmarks.plain_loop import make_plain_step
from benchmarks.seq2seq_trainer import TrainerRival

UPDATES = 6
"""Updates of a training by the Seq2SeqTrainer; a first one warms up."""


def measure_rivals(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the rows of catscale without balancing and of both rivals, with and without buckets."""
    yield bench.measure_training("catscale, fixed")
    bench.clear()
    step, parameters = plain_step(bench)
    yield {"name": "plain loop, the same buckets"} | bench.clock(step, parameters)
    del step  # with its model, whose memory is none of the next row's
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
    """Return the figures of a Seq2SeqTrainer."""

    def clock() -> float:
        bench.wait()
        return time.perf_counter()

    bench.clear()
    model = plain_model(bench)
    rival = TrainerRival(model, bench.stores[8], bench.tokens, UPDATES, grouped, bench.device, clock)
    rival.train()
    tokens, seconds = rival.train()
    parameters = sum(p.numel() for p in model.parameters())
    share = 6 * parameters * tokens / seconds / bench.peak if bench.peak else None
    return {"rate": tokens / seconds, "ms": 1000 * seconds / UPDATES, "share": share, "parameters": parameters}
