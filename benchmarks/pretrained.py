"""Memory and time of one training step for the sizes of NLLB-200-distilled-600M, with random weights.

    python benchmarks/pretrained.py [--threads 1] [--tokens 1024] [--only WAY …] [--json results/pretrained-memory.json]

Each way of training is tried in a process of its own with the full table of embeddings and one, then two pairs of
layers (an encoder's and a decoder's). From the difference of the two follows what a pair takes, and so what the
twelve of the model would: with all of them the plain way needs ten gigabytes before any activation. Memory is the
most that the process held, PyTorch's own few hundred megabytes included; time is processor time of a step, after one
that is not counted. `--quick` tries tiny sizes, to see that it runs.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration

from catscale.data.batching import Batch, make_batch
from catscale.data.direction import Direction
from catscale.model.adapted_model import attach
from catscale.model.adapters import AdapterSettings
from catscale.model.contract import TranslationModel
from catscale.model.freezing import Part, freeze_parts
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100_model import M2M100Model
from catscale.run.folder.run_folder import source_commit
from catscale.system.memory import peak_memory
from catscale.system.processors import describe_processors

LAYERS = 12
SIZES = {"d_model": 1024, "ffn": 4096, "heads": 16, "vocabulary": 256_206}
QUICK = {"d_model": 32, "ffn": 64, "heads": 2, "vocabulary": 500}
TRIMMED = 40_000
"""Rows that are left where `trim` drops those that no language of the run needs: a guess for six languages."""
PAIRS = (1, 2)
LENGTH = 32
"""Tokens of a sentence on either side."""
STEPS = 3
GIBIBYTE = 2**30


@dataclass(frozen=True)
class Way:
    """A way to train the model.

    Attributes:
        freeze: Parts that are held fixed.
        checkpointing: Whether activations are computed twice.
        adapters: The rank of LoRA on queries and values; 0 trains the model itself.
        trim: Whether the table has only the rows that are needed.
    """

    freeze: tuple[Part, ...] = ()
    checkpointing: bool = False
    adapters: int = 0
    trim: bool = False


WAYS = {
    "plain": Way(),
    "gradient_checkpointing": Way(checkpointing=True),
    "freeze embeddings": Way(freeze=("embeddings",)),
    "trim": Way(trim=True),
    "adapters": Way(adapters=16),
    "adapters + gradient_checkpointing": Way(adapters=16, checkpointing=True),
    "trim + gradient_checkpointing": Way(trim=True, checkpointing=True),
    "trim + adapters + gradient_checkpointing": Way(trim=True, adapters=16, checkpointing=True),
}


class Numbers:
    """A vocabulary of numbers alone, whose last ids are tags."""

    bos_id, pad_id, eos_id, unk_id = 0, 1, 2, 3

    def __init__(self, size: int) -> None:
        self.size = size

    def tag(self, language: str) -> int:
        return self.size - 1 - ("en", "tyv").index(language)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    if options.pairs is not None:  # a process of its own
        (name,) = options.only
        sizes = QUICK if options.quick else SIZES
        print(json.dumps(measure(WAYS[name], options.pairs, sizes, options.tokens)))
        return
    rows = {}
    for name in options.only:
        rows[name] = extrapolate({pairs: measure_apart(name, pairs, options) for pairs in PAIRS})
        print(describe(name, rows[name]), flush=True)
    if options.json is not None:
        how = describe_machine(options)
        content = {**make_table(rows, how), "how": how, "rows": rows}
        options.json.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=1024, help="target tokens of a step")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--pairs", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def measure_apart(name: str, pairs: int, options: argparse.Namespace) -> dict[str, float]:
    """Measure in a process of its own, whose most memory is this way's."""
    command = [sys.executable, __file__, "--threads", options.threads, "--tokens", options.tokens]
    command += ["--only", name, "--pairs", pairs, *(["--quick"] if options.quick else [])]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}, {pairs} pairs of layers: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(way: Way, pairs: int, sizes: Mapping[str, int], tokens: int) -> dict[str, float]:
    """Take some steps.

    Args:
        way: How the model is trained.
        pairs: Pairs of layers.
        sizes: The other sizes.
        tokens: Target tokens of a step.

    Returns:
        Peak bytes, seconds of a step, numbers of all and of trained parameters.
    """
    vocabulary = min(TRIMMED, sizes["vocabulary"]) if way.trim else sizes["vocabulary"]
    model = build(way, pairs, sizes, vocabulary)
    trained = model.shared_parameters()
    step = stepper(model, trained, make_sentences(Numbers(vocabulary), tokens))
    times = []
    for _ in range(STEPS):
        begin = time.process_time()
        step()
        times.append(time.process_time() - begin)
    return {
        "peak": peak_memory(),
        "seconds": median(times[1:]),
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained": sum(p.numel() for p in trained),
    }


def build(way: Way, pairs: int, sizes: Mapping[str, int], vocabulary: int) -> TranslationModel:
    """Build a model with random weights, ready to be trained."""
    torch.manual_seed(1)
    sides = {f"{side}_{key}": value for side in ("encoder", "decoder") for key, value in (
        ("layers", pairs), ("ffn_dim", sizes["ffn"]), ("attention_heads", sizes["heads"]), ("layerdrop", 0.0)
    )}  # fmt: skip
    config = M2M100Config(vocab_size=vocabulary, d_model=sizes["d_model"], **sides)
    model = M2M100Model(M2M100ForConditionalGeneration(config).train())
    if way.checkpointing:
        model.network.activation_checkpointing_enable({"use_reentrant": False})
    freeze_parts(model, way.freeze)
    return attach(model, AdapterSettings(rank=way.adapters), 0, 1) if way.adapters else model


def make_sentences(vocabulary: Any, tokens: int) -> Batch:
    """Make a batch of random sentences."""
    count = max(1, tokens // LENGTH)
    drawn = torch.randint(4, vocabulary.size - 2, (2, count, LENGTH - 2)).tolist()
    return make_batch(drawn[0], drawn[1], vocabulary, Direction("en", "tyv"))


def stepper(model: TranslationModel, trained: list[torch.nn.Parameter], batch: Batch) -> Callable[[], None]:
    """Return a function that takes one step, as the trainer does."""
    optimizer = torch.optim.AdamW(trained, lr=1e-4, betas=(0.9, 0.98), fused=True)

    def step() -> None:
        loss, _ = batch_losses(model, batch, 0.1)
        (loss / batch.tokens).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def extrapolate(measured: Mapping[int, Mapping[str, float]]) -> dict[str, Any]:
    """Return what was measured with few layers, and, with each pair adding the same, what all of them would take.

    >>> extrapolate({1: {"peak": 10.0}, 2: {"peak": 13.0}})["extrapolated"]
    {'peak': 43.0}
    """
    (first, one), (second, two) = sorted(measured.items())
    each = {key: (two[key] - one[key]) / (second - first) for key in one}
    whole = {key: one[key] + (LAYERS - first) * each[key] for key in one}
    return {"measured": {str(pairs): dict(found) for pairs, found in measured.items()}, "extrapolated": whole}


def describe(name: str, row: Mapping[str, Any]) -> str:
    """Return the line of a way."""
    few, many = row["measured"][str(PAIRS[-1])], row["extrapolated"]
    return (
        f"{name:42s} {many['peak'] / GIBIBYTE:6.2f} GiB {many['seconds']:7.2f} CPU s a step for {LAYERS} pairs of "
        f"layers, extrapolated ({few['peak'] / GIBIBYTE:.2f} GiB, {few['seconds']:.2f} s measured for {PAIRS[-1]}); "
        f"{many['trained'] / 1e6:,.1f} of {many['parameters'] / 1e6:,.1f} million parameters trained"
    )


def make_table(rows: Mapping[str, Mapping[str, Any]], how: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of the page's table, and the sentence below it."""
    heads = [
        "trained with",
        "GiB",
        "CPU s a step",
        "million parameters",
        "of them trained",
        "GiB measured with two pairs",
    ]
    lines = []
    for name, row in rows.items():
        whole, few = row["extrapolated"], row["measured"][str(PAIRS[-1])]
        cells = [f"{whole['peak'] / GIBIBYTE:.1f}", f"{whole['seconds']:.0f}", f"{whole['parameters'] / 1e6:,.0f}"]
        lines.append([name, *cells, f"{whole['trained'] / 1e6:,.1f}", f"{few['peak'] / GIBIBYTE:.1f}"])
    note = (
        f"{how['tokens']} target tokens a step, sentences of {how['length']}, {how['precision']}, {how['threads']} "
        f"thread; trim leaves {how['trimmed_rows']:,} of {how['sizes']['vocabulary']:,} rows; extrapolated "
        f"{how['extrapolated']}; `python benchmarks/pretrained.py --json results/pretrained-memory.json`; "
        f"{how['machine']}; torch {how['torch']}; commit {str(how['commit'])[:12]}."
    )
    return {"heads": heads, "lines": lines, "note": note}


def describe_machine(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "machine": describe_processors(),
        "threads": options.threads,
        "torch": torch.__version__,
        "commit": source_commit(),
        "sizes": QUICK if options.quick else SIZES,
        "trimmed_rows": TRIMMED,
        "tokens": options.tokens,
        "length": LENGTH,
        "precision": "fp32",
        "extrapolated": f"linearly to {LAYERS} pairs of layers from measurements of {PAIRS[0]} and {PAIRS[1]}",
    }


if __name__ == "__main__":
    main()
