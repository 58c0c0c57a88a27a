"""Forward and backward of steps whose sub-batches share passes, beside one pass for each.

    python benchmarks/joined_passes.py [--rounds 3] [--json results/joined-passes.json]

The embedded corpus, T = 5; the ways are taken by turns in one process, on one thread. A way is what the start of a pass
is taken to cost, in positions: 0 joins nothing, the trainer's own is `CPU_LAUNCH`, and "all" is one pass a step.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from catscale.data.batching import Batch
from catscale.data.config import DataConfig
from catscale.data.embedded.corpus import generate_corpus
from catscale.data.joining import JoinedBatch, join_batches, plan_joins
from catscale.data.preparation.prepare import prepare
from catscale.data.store.store import Store
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import batch_losses, joined_losses
from catscale.model.m2m100 import M2M100
from catscale.run.folder.run_folder import source_commit
from catscale.sampling import Sampler, TemperatureSampling
from catscale.system.processors import describe_processors
from catscale.training.step_losses import CPU_LAUNCH
from catscale.training.stream import MixtureStream
from catscale.vocabulary.training import SentencePieceSettings

CASES: tuple[tuple[Literal["tiny", "small"], int, int, int], ...] = (
    ("tiny", 512, 128, 20),
    ("small", 4096, 512, 4),
    ("small", 1024, 128, 8),
)
"""Preset, target tokens of a step and of a sub-batch, steps."""
WAYS = {"50": 50.0, f"{CPU_LAUNCH:.0f}, as trained": CPU_LAUNCH, "800": 800.0, "all": 1e12}


Compare = Callable[[TranslationModel, list[list[Batch]], Store, int], Sequence[Sequence[str]]]
"""A function that takes a model, steps, the corpus and a number of rounds, and returns the cells of a table."""


def main(arguments: Sequence[str] | None = None) -> None:
    command = "python benchmarks/joined_passes.py --json results/joined-passes.json"
    heads = ["positions that a start costs", "passes", "padding", "forward and backward"]
    run_cases(str(__doc__), command, heads, compare, arguments)


def run_cases(doc: str, command: str, heads: Sequence[str], compare: Compare, arguments: Sequence[str] | None) -> None:
    """Compare in every case, print the cells, and write the table where that is asked for.

    Args:
        doc: The description of the command.
        command: The command that made the table on record.
        heads: The heads of the columns beside that of the case.
        compare: Makes the cells of a case.
        arguments: The command's; None for those it was called with.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--quick", action="store_true", help="one step of the smallest case, to see that it runs")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    lines: list[list[str]] = []
    with TemporaryDirectory() as folder:
        store = prepare_corpus(Path(folder))
        for preset, tokens, sub_batch, steps in CASES[:1] if options.quick else CASES:
            taken = take_steps(store, tokens, sub_batch, 1 if options.quick else steps)
            model = M2M100(preset=preset).build(store.vocabulary, (), 1).train()
            case = f"{preset}, {tokens:,}, {sub_batch}"
            for cells in compare(model, taken, store, options.rounds):
                lines.append([case, *cells])
                print(" | ".join(lines[-1]), flush=True)
    if options.json is not None:
        options.json.write_text(
            json.dumps(make_table(command, heads, lines, options.rounds), indent=2, ensure_ascii=False) + "\n"
        )


def prepare_corpus(folder: Path) -> Store:
    """Generate the embedded corpus and prepare it with 2,000 pieces."""
    generate_corpus(folder / "corpus")
    data = DataConfig(format="opus100", path=folder / "corpus", source="en", targets="all", store=folder / "store")
    return prepare(data, SentencePieceSettings(size=2000))


def take_steps(store: Store, tokens: int, sub_batch: int, steps: int) -> list[list[Batch]]:
    """Take the sub-batches of some steps."""
    tasks = {direction: store.split("train", direction) for direction in store.directions}
    sizes = {str(direction): len(pairs) for direction, pairs in tasks.items()}
    sampler = Sampler(TemperatureSampling(temperature=5), sizes)
    stream = MixtureStream(tasks, sampler, store.vocabulary, tokens // sub_batch, sub_batch, seed=1)
    return [[part for parts in stream.take(step).values() for part in parts] for step in range(1, steps + 1)]


def compare(
    model: TranslationModel, steps: Sequence[Sequence[Batch]], store: Store, rounds: int
) -> list[tuple[str, str, str, str]]:
    """Take the steps in every way by turns.

    Returns:
        Way, passes of a step, share of padding among target positions, and the median over rounds of the time beside
        that of one pass for each sub-batch.
    """
    pad = store.vocabulary.pad_id
    joined = {way: [join(parts, launch, pad) for parts in steps] for way, launch in WAYS.items()}
    times: dict[str, NDArray[np.float64]] = {way: np.zeros(rounds) for way in ("apart", *WAYS)}
    for turn in range(rounds):
        for number, parts in enumerate(steps):
            times["apart"][turn] += clock(model, [partial(loss_of, model, part) for part in parts])
            for way in WAYS:
                losses = [partial(loss_of, model, found, len(parts)) for found in joined[way][number]]
                times[way][turn] += clock(model, losses)
    rows = [("0: one for each", f"{mean(map(len, steps)):.1f}", share_of_padding(steps), "1.00")]
    for way, passes in joined.items():
        ratio = median((times[way] / times["apart"]).tolist())
        batches = [[j.batch for j in found] for found in passes]
        rows.append((way, f"{mean(map(len, passes)):.1f}", share_of_padding(batches), f"{ratio:.2f}"))
    return rows


def join(parts: Sequence[Batch], launch: float, pad: int) -> list[JoinedBatch]:
    """Join the sub-batches of a step."""
    plan = plan_joins([part.shape for part in parts], launch, 10**9)
    return [join_batches([parts[n] for n in numbers], range(len(numbers)), pad) for numbers in plan]


def loss_of(model: TranslationModel, part: Batch | JoinedBatch, tasks: int = 1) -> torch.Tensor:
    """Compute the loss of one pass."""
    if isinstance(part, JoinedBatch):
        return joined_losses(model, part, 0.1, tasks)[0].sum()
    return batch_losses(model, part, 0.1)[0]


def clock(model: TranslationModel, losses: Sequence[Callable[[], torch.Tensor]]) -> float:
    """Return the processor's seconds of forward and backward passes, one after another."""
    begin = time.process_time()
    for loss in losses:
        loss().backward()
    model.zero_grad(set_to_none=True)
    return time.process_time() - begin


def share_of_padding(steps: Sequence[Sequence[Batch]]) -> str:
    """Return the share of target positions that hold nothing."""
    batches = [batch for parts in steps for batch in parts]
    return f"{1 - sum(b.tokens for b in batches) / sum(b.labels.numel() for b in batches):.0%}"


def make_table(command: str, heads: Sequence[str], lines: Sequence[Sequence[str]], rounds: int) -> dict[str, Any]:
    """Return the cells of the page's table, and the sentence below it."""
    note = (
        f"Embedded corpus, T = 5; by turns in one process, rounds: {rounds}, medians; CPU time of one thread; "
        f"`{command}`; {describe_processors()}; torch {torch.__version__}; commit {str(source_commit())[:12]}."
    )
    return {"heads": ["preset, target tokens of a step, of a sub-batch", *heads], "lines": lines, "note": note}


if __name__ == "__main__":
    main()
