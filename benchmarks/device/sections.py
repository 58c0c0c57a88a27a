"""The sections of `benchmarks/gpu.py`: a table, one more line of which is one more section, setting or search."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import torch
from benchmarks.device.bench import Bench, open_bench
from benchmarks.device.rivals import measure_rivals

from catscale.errors import CatscaleError
from catscale.evaluation.decoding.decoder import BeamDecoder
from catscale.evaluation.decoding.huggingface import HuggingFaceBackend
from catscale.run.folder.run_folder import source_commit
from catscale.system.processors import describe_processors

__all__ = ["SECTIONS", "describe", "open_bench"]

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "as it is": (),
    "no joined passes": ("training.joint_tokens=16",),
    "sub-batches of a whole step": ("training.sub_batch_tokens={tokens}",),
    "each step read at once": ("training.on_nonfinite=skip",),
    "fp32": ("training.precision=fp32",),
    "tf32": ("training.precision=tf32",),
    "bf16": ("training.precision=bf16",),
    "gradient checkpointing": ("training.gradient_checkpointing=true",),
    "lengths as they are": ("training.length_multiple=1",),
    "lengths by 32": ("training.length_multiple=32",),
    "compiled": ("training.compile=true",),
    "compiled, lengths by 32": ("training.compile=true", "training.length_multiple=32"),
    "compiled, gradient checkpointing": ("training.compile=true", "training.gradient_checkpointing=true"),
}
"""Each setting of training beside what is usual; the compiled ones last, since a compiler may take all that is left."""
APART = "bf16, each parameter cast by itself"
BALANCING: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "fixed": (1, ()),
    "CATS, m = 1": (1, ("balancing.method=cats", "balancing.inner_steps=1")),
    "CATS, m = 10": (10, ("balancing.method=cats", "balancing.inner_steps=10")),
    "CATS, m = 1, low memory": (
        1,
        (
            "balancing.method=cats",
            "balancing.inner_steps=1",
            "balancing.statistics=products",
            "training.low_memory=true",
        ),
    ),
}
"""Steps in which each comes round again, and its settings."""
DECODING: Mapping[str, tuple[str, ...]] = {
    "2,048 positions": ("evaluation.batch_tokens=2048",),
    "16,384 positions": ("evaluation.batch_tokens=16384",),
    "65,536 positions": ("evaluation.batch_tokens=65536",),
    "greedy, 16,384 positions": ("evaluation.batch_tokens=16384", "evaluation.beam=1"),
    "16,384 positions, bf16": ("evaluation.batch_tokens=16384", "evaluation.precision=bfloat16"),
}
"""Searches by transformers; an untrained model, whose translations end at the limit of their lengths."""
SENTENCES = 512
FULL = ("evaluation.precision=float32",)


@dataclass(frozen=True)
class Section:
    """A part of the measurement.

    Attributes:
        name: What `--only` takes.
        seconds: Its limit.
        run: Yields rows: a name, and a rate a second with what else is known, or a note.
    """

    name: str
    seconds: float
    run: Callable[[Bench], Iterator[dict[str, Any]]]


def describe(bench: Bench) -> dict[str, Any]:
    """Return what the figures depend on."""
    name = torch.cuda.get_device_name(bench.device) if bench.device.type == "cuda" else describe_processors()
    how = {"device": name, "torch": torch.__version__, "commit": source_commit(), "tokens": bench.tokens}
    return how | {"peak": bench.peak, "threads": torch.get_num_threads()}


def compare_a_step(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield how far the parameters after three steps are from those of a processor, of the way that they went.

    All but the first are read when the next one is under way, off a processor.
    """
    processor = Bench(torch.device("cpu"), bench.stores, min(bench.tokens, 512), ("tiny",), 0)
    other = Bench(bench.device, bench.stores, processor.tokens, ("tiny",), 0)
    for method in ("fixed", "cats"):
        settings = ["training.precision=fp32", "model.dropout=0", "optimizer.warmup_steps=0"]
        settings.append(f"balancing.method={method}")
        results = []
        for place in (processor, other):
            with TemporaryDirectory() as folder:
                trainer = place.train(place.configure(settings), bench.stores[8], folder)
                before = [p.detach().cpu().clone() for p in trainer.model.parameters()]
                for _ in range(3):
                    trainer.step()
                trainer.settle()
                after = [p.detach().cpu() for p in trainer.model.parameters()]
                results.append([b - a for a, b in zip(before, after, strict=True)])
        total = sum(float(a.double().square().sum()) for a in results[0]) ** 0.5
        gap = sum(float((a - b).double().square().sum()) for a, b in zip(*results, strict=True)) ** 0.5 / total
        yield {"name": method, "difference": gap, "note": f"{gap:.1e} of the way apart from a processor's"}


def measure_products(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the speed of products of square matrices, in 10^9 operations a second."""
    side = 8192 if bench.device.type == "cuda" else 512
    for kind in (torch.float32, torch.bfloat16):
        a = torch.ones(side, side, device=bench.device, dtype=kind)

        def multiply(a: torch.Tensor = a) -> int:
            for _ in range(10):
                torch.mm(a, a)
            bench.wait()
            return 20 * side**3 // 10**9

        row = {"name": f"{str(kind).removeprefix('torch.')}, 10^9 operations"} | bench.clock(multiply, steps=10)
        yield row | {"share": row["rate"] * 1e9 / bench.peak if bench.peak else None}


def measure_presets(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the speed of training without balancing."""
    for preset in bench.presets:
        yield bench.measure_training(f"{preset}, {bench.tokens:,} tokens", preset=preset)


def measure_settings(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the speed of training with each line of `SETTINGS`, and where each parameter is cast by itself."""
    yield _try(APART, partial(bench.measure_training, APART, ["training.precision=bf16"], casts_together=False))
    for name, settings in SETTINGS.items():
        chosen = [setting.format(tokens=bench.tokens) for setting in settings]
        yield _try(name, partial(bench.measure_training, name, chosen))


def measure_balancing(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the speed of each line of `BALANCING` for few and for many directions."""
    for directions in bench.stores:
        for name, (steps, settings) in BALANCING.items():
            full = f"K = {directions}, {name}"
            yield _try(full, partial(bench.measure_training, full, settings, None, directions, steps))


def measure_decoding(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield sentences a second of each line of `DECODING`."""
    store = bench.stores[8]
    direction = store.directions[0]
    pairs = store.split("dev", direction)
    count = SENTENCES if bench.device.type == "cuda" else 4
    sources = [pairs.source(i % len(pairs)).tolist() for i in range(count)]
    model = bench.configure([]).model.build(store.vocabulary, list(store.directions), 1).to(bench.device).eval()
    for name, settings in DECODING.items():

        def search(name: str = name, settings: tuple[str, ...] = settings) -> dict[str, Any]:
            config = bench.configure([*FULL, *settings]).evaluation
            model.to(getattr(torch, config.precision))
            decoder = BeamDecoder(HuggingFaceBackend(model, config, None), store.vocabulary, config, lambda line: None)
            return {"name": name} | bench.clock(lambda: len(decoder.search(sources, direction)), warm_up=1)

        yield _try(name, search)


def _try(name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a row, or one that says why there is none: a setting of other versions, or no memory."""
    try:
        return measure()
    except (CatscaleError, torch.OutOfMemoryError) as error:
        return {"name": name, "note": f"none: {str(error).splitlines()[0]}"[:200]}


SECTIONS = (
    Section("equal", 30, compare_a_step),
    Section("product", 15, measure_products),
    Section("train", 60, measure_presets),
    Section("setting", 150, measure_settings),
    Section("balance", 130, measure_balancing),
    Section("rival", 60, measure_rivals),
    Section("decode", 60, measure_decoding),
)
