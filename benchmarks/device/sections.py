"""The sections of `benchmarks/gpu.py`: a table, one more line of which is one more section, setting or search."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from benchmarks.device.bench import Bench, open_bench
from benchmarks.device.equality import compare_a_step
from benchmarks.device.rivals import measure_rivals

from catscale.errors import CatscaleError
from catscale.evaluation.decoding.decoder import BeamDecoder
from catscale.evaluation.decoding.huggingface import HuggingFaceBackend
from catscale.evaluation.decoding.loading import load_decoder
from catscale.model.contract import TranslationModel
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
LEAST_TOKENS = 64
"""Target tokens of a task in a step where each step holds all of them: a few sentences."""
DECODING: Mapping[str, tuple[str, ...]] = {
    "2,048 positions": ("evaluation.batch_tokens=2048",),
    "16,384 positions": ("evaluation.batch_tokens=16384",),
    "65,536 positions": ("evaluation.batch_tokens=65536",),
    "greedy, 16,384 positions": ("evaluation.batch_tokens=16384", "evaluation.beam=1"),
    "16,384 positions, bf16": ("evaluation.batch_tokens=16384", "evaluation.precision=bfloat16"),
}
"""Searches by transformers; an untrained model, whose translations end at the limit of their lengths."""
CONVERTED: Mapping[str, tuple[str, ...]] = {
    "CTranslate2, 16,384 positions": ("evaluation.batch_tokens=16384",),
    "CTranslate2, 16,384 positions, bf16": ("evaluation.batch_tokens=16384", "evaluation.precision=bfloat16"),
    "CTranslate2, 16,384 positions, int8": ("evaluation.batch_tokens=16384", "evaluation.precision=int8"),
}
"""Searches by CTranslate2 of the same model, where it is installed and can use the device."""
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
    how |= {"transformers": version_of("transformers"), "ctranslate2": version_of("ctranslate2")}
    return how | {"peak": bench.peak, "threads": torch.get_num_threads()}


def version_of(package: str) -> str:
    """Return the version of a package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def measure_products(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the speed of products of square matrices, in 10^9 operations a second."""
    side = 8192 if bench.device.type == "cuda" else 512
    for kind in (torch.float32, torch.bfloat16):
        bench.clear()
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
    """Yield the speed of each line of `BALANCING` for few and for many directions, all of them in every step."""
    for directions in bench.stores:
        for name, (steps, settings) in BALANCING.items():
            full = f"K = {directions}, {name}"
            yield _try(full, partial(measure_all_tasks, bench, full, settings, directions, steps))


def measure_all_tasks(bench: Bench, name: str, settings: Sequence[str], directions: int, steps: int) -> dict[str, Any]:
    """Return the row of steps that hold every task; a note where one of them did not.

    Args:
        bench: What is measured with.
        name: The row's.
        settings: Those of the balancing method.
        directions: The number of tasks.
        steps: Steps in which the method comes round again.
    """
    tokens = max(bench.tokens, LEAST_TOKENS * directions)
    every = ["sampling.method=every", f"training.batch_tokens={tokens}"]
    row = bench.measure_training(name, [*every, *settings], None, directions, steps)
    if row["tasks"] == directions:
        return row
    return {"name": name, "tasks": row["tasks"], "note": f"none: {row['tasks']} of {directions} tasks in a step"}


def measure_decoding(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield sentences a second of each line of `DECODING` and of `CONVERTED`."""
    bench.clear()
    store = bench.stores[8]
    direction = store.directions[0]
    pairs = store.split("dev", direction)
    count = SENTENCES if bench.device.type == "cuda" else 4
    sources = [pairs.source(i % len(pairs)).tolist() for i in range(count)]
    model = bench.configure([]).model.build(store.vocabulary, list(store.directions), 1).eval()

    def search(name: str, load: Callable[[], BeamDecoder]) -> dict[str, Any]:
        decoder = load()
        return {"name": name} | bench.clock(lambda: len(decoder.search(sources, direction)), warm_up=1)

    with TemporaryDirectory() as folder:
        model.save(Path(folder))
        store.vocabulary.save(Path(folder))
        model.to(bench.device)
        for name, settings in DECODING.items():
            yield _try(name, partial(search, name, partial(by_transformers, bench, model, settings)))
        model.to("cpu")
        for name, settings in CONVERTED.items():
            row = _try(name, partial(search, name, partial(by_ctranslate2, bench, Path(folder), settings)))
            yield row | {"gib": None}  # PyTorch does not count that library's memory


def by_transformers(bench: Bench, model: TranslationModel, settings: Sequence[str]) -> BeamDecoder:
    """Return a search of the model by transformers, in the precision of the settings."""
    config = bench.configure([*FULL, *settings]).evaluation
    model.to(getattr(torch, config.precision))
    return BeamDecoder(HuggingFaceBackend(model, config, None), bench.stores[8].vocabulary, config, lambda line: None)


def by_ctranslate2(bench: Bench, folder: Path, settings: Sequence[str]) -> BeamDecoder:
    """Return a search of the model in a folder by CTranslate2.

    Raises:
        ConfigError: If that is not installed, or cannot use the device, or does not compute in the precision on it.
    """
    config = bench.configure([*FULL, "evaluation.backend=ctranslate2", *settings]).evaluation
    vocabulary, device = bench.stores[8].vocabulary, str(bench.device)
    return load_decoder(folder, vocabulary, config, device=device, say=lambda line: None)


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
