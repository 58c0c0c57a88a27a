"""Memory and time of one training step for the sizes of NLLB-200-distilled-600M, with random weights.

    python benchmarks/pretrained.py [--threads 1] [--tokens 1024] [--only WAY …] [--json results/pretrained-memory.json]

Each way of training is tried in a process of its own, with all of the model: 12 pairs of layers (an encoder's and a
decoder's) and the full table of embeddings. Memory is the most that the process held, PyTorch's own few hundred
megabytes included: 15 GiB for the plain way. Time is processor time of a step, after one that is not counted.
`--quick` tries tiny sizes, to see that it runs.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
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

SIZES = {"layers": 12, "d_model": 1024, "ffn": 4096, "heads": 16, "vocabulary": 256_206}
QUICK = {"layers": 2, "d_model": 32, "ffn": 64, "heads": 2, "vocabulary": 500}
TRIMMED = 40_000
"""Rows that are left where `trim` drops those that no language of the run needs: a guess for six languages."""
LENGTH = 32
"""Tokens of a sentence on either side."""
STEPS = 4
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
    if options.here:
        (name,) = options.only
        print(json.dumps(measure(WAYS[name], QUICK if options.quick else SIZES, options.tokens)))
        return
    rows = {}
    for name in options.only:
        rows[name] = measure_apart(name, options)
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
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # in this process
    return parser.parse_args(arguments)


def measure_apart(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure in a process of its own, whose most memory is this way's."""
    command = [sys.executable, __file__, "--threads", options.threads, "--tokens", options.tokens]
    command += ["--only", name, "--here", *(["--quick"] if options.quick else [])]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(way: Way, sizes: Mapping[str, int], tokens: int) -> dict[str, Any]:
    """Take some steps.

    Args:
        way: How the model is trained.
        sizes: Sizes of the model.
        tokens: Target tokens of a step.

    Returns:
        Peak bytes, seconds of each step that counts, numbers of all and of trained parameters.
    """
    vocabulary = min(TRIMMED, sizes["vocabulary"]) if way.trim else sizes["vocabulary"]
    model = build(way, sizes, vocabulary)
    trained = model.shared_parameters()
    step = stepper(model, trained, make_sentences(Numbers(vocabulary), tokens))
    times = []
    for _ in range(STEPS):
        begin = time.process_time()
        step()
        times.append(time.process_time() - begin)
    return {
        "peak": peak_memory(),
        "seconds": times[1:],
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained": sum(p.numel() for p in trained),
    }


def build(way: Way, sizes: Mapping[str, int], vocabulary: int) -> TranslationModel:
    """Build a model with random weights, ready to be trained."""
    torch.manual_seed(1)
    sides = {f"{side}_{key}": value for side in ("encoder", "decoder") for key, value in (
        ("layers", sizes["layers"]), ("ffn_dim", sizes["ffn"]), ("attention_heads", sizes["heads"]), ("layerdrop", 0.0)
    )}  # fmt: skip
    config = M2M100Config(vocab_size=vocabulary, d_model=sizes["d_model"], **sides)
    model = M2M100Model(M2M100ForConditionalGeneration(config).train())
    if way.checkpointing:
        model.compute_twice()
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


def describe(name: str, row: Mapping[str, Any]) -> str:
    """Return the line of a way."""
    return (
        f"{name:42s} {row['peak'] / GIBIBYTE:6.2f} GiB {show_seconds(row['seconds'])} CPU s per step; "
        f"{row['trained'] / 1e6:,.1f} of {row['parameters'] / 1e6:,.1f} million parameters trained"
    )


def show_seconds(seconds: Sequence[float]) -> str:
    """Return the least and the most.

    >>> show_seconds([41.6, 40.2])
    '40 to 42'
    """
    return f"{min(seconds):.0f} to {max(seconds):.0f}"


def make_table(rows: Mapping[str, Mapping[str, Any]], how: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of the page's table, and the sentence below it."""
    heads = ["trained with", "GiB", "CPU s per step", "million parameters", "of them trained"]
    lines = []
    for name, row in rows.items():
        cells = [f"{row['peak'] / GIBIBYTE:.1f}", show_seconds(row["seconds"]), f"{row['parameters'] / 1e6:,.0f}"]
        lines.append([name, *cells, f"{row['trained'] / 1e6:,.1f}"])
    note = (
        f"{how['tokens']} target tokens per step, sentences of {how['length']}, {how['precision']}, {how['threads']} "
        f"thread, random weights, the least and the most of {STEPS - 1} steps; trim leaves {how['trimmed_rows']:,} of "
        f"{how['sizes']['vocabulary']:,} rows; `python benchmarks/pretrained.py --json "
        f"results/pretrained-memory.json`; {how['machine']}; torch {how['torch']}; commit {str(how['commit'])[:12]}."
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
    }


if __name__ == "__main__":
    main()
