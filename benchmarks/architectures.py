"""What an architecture costs: CPU time of a forward and a backward beside the plain model's, by turns in one process.

    python -m benchmarks.architectures [--preset base] [--rounds 9] [--json FILE] [latent_depth …]

Both models see the same batches, each of one direction: label smoothing 0.1, dropout 0.1. A row's ratio is that of the
medians over all rounds; beside it the ratios of single rounds, from the lowest to the highest. `m2m100` is a control.
Latent depth is measured with all layers in use, as many as the plain model has, with hard samples.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, cast

import torch

from catscale.data.batching import Batch, make_batch
from catscale.data.direction import Direction
from catscale.model.contract import TranslationModel
from catscale.model.extension import ModelExtension
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from catscale.model.routed import LowRankRouting
from catscale.model.table import ARCHITECTURES
from catscale.run.folder.run_folder import source_commit
from catscale.system.processors import describe_processors
from catscale.vocabulary.contract import Vocabulary

LANGUAGES = ("be", "az", "gl", "sk", "cs", "tr", "pt", "ru")
DIRECTIONS = [Direction("en", language) for language in LANGUAGES]
SETTINGS: dict[str, dict[str, Any]] = {"latent_depth": {"start": 20.0}}
"""Settings beside the sizes."""
EXTENSIONS: dict[str, ModelExtension] = {"low-rank routing": LowRankRouting()}
"""What has no row in the table: a plain model that is extended as a pre-trained one is."""
Row = dict[str, Any]
"""What was measured of an architecture."""


class _Ids:
    """The ids of a vocabulary without text."""

    bos_id, pad_id, eos_id, unk_id, new_rows = 0, 1, 2, 3, 0

    def __init__(self, size: int) -> None:
        self.size, self.languages = size, ("en", *LANGUAGES)

    def tag(self, language: str) -> int:
        return self.size - 1 - self.languages.index(language)


def make_batches(vocabulary: Vocabulary, sentences: int, length: int) -> list[Batch]:
    """Draw a batch for each direction, with lengths from half of `length` to all of it."""
    generator = torch.Generator().manual_seed(1)

    def draw() -> list[list[int]]:
        lengths = torch.randint(length // 2, length + 1, (sentences,), generator=generator).tolist()
        return [torch.randint(4, vocabulary.size - 9, (size,), generator=generator).tolist() for size in lengths]

    return [make_batch(draw(), draw(), vocabulary, direction) for direction in DIRECTIONS]


def time_pass(model: TranslationModel, batch: Batch) -> float:
    """Return the CPU seconds of a forward and a backward."""
    model.zero_grad(set_to_none=True)
    started = time.process_time()
    loss, _ = batch_losses(model, batch, 0.1)
    torch.autograd.backward(loss / batch.tokens)
    return time.process_time() - started


def time_both(plain: TranslationModel, model: TranslationModel, batch: Batch, turn: int) -> tuple[float, float]:
    """Return the CPU seconds of both models, which take turns in being the first."""
    if turn % 2:
        other = time_pass(model, batch)
        return time_pass(plain, batch), other
    return time_pass(plain, batch), time_pass(model, batch)


def measure(name: str, plain: TranslationModel, model: TranslationModel, batches: list[Batch], rounds: int) -> Row:
    """Time an architecture beside the plain model.

    Args:
        name: Of the architecture.
        plain: The plain model.
        model: The one that is compared.
        batches: One is taken each round, in turn.
        rounds: Rounds.

    Returns:
        Parameters; the medians of the CPU seconds of a forward and a backward, of the plain model and of the other;
        their ratio; the lowest and the highest ratio of a round.
    """
    pairs = [time_both(plain, model, batches[turn % len(batches)], turn) for turn in range(rounds)]
    one, other = (median(times) for times in zip(*pairs, strict=True))
    ratios = sorted(second / first for first, second in pairs)
    return {
        "architecture": name,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "plain": round(one, 3),
        "seconds": round(other, 3),
        "ratio": round(other / one, 3),
        "lowest": round(ratios[0], 3),
        "highest": round(ratios[-1], 3),
    }


def make_table(rows: Sequence[Row], how: str) -> dict[str, Any]:
    """Return the heads, the lines and the note of a table for a page.

    Args:
        rows: As of `measure`.
        how: What was measured, on what.
    """
    heads = ["architecture", "parameters", "CPU seconds, plain", "CPU seconds", "ratio", "by round"]
    lines = [
        [
            f"`{row['architecture']}`",
            f"{row['parameters']:,}",
            *(f"{row[key]:.2f}" for key in ("plain", "seconds")),
            f"{row['ratio']:.3f}",
            f"{row['lowest']:.3f} to {row['highest']:.3f}",
        ]
        for row in rows
    ]
    return {"heads": heads, "lines": lines, "note": how}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row per architecture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    others = [*(name for name in ARCHITECTURES if name != "pretrained"), *EXTENSIONS]
    parser.add_argument("names", nargs="*", default=others)
    parser.add_argument("--preset", default="base")
    parser.add_argument("--vocabulary", type=int, default=8000)
    parser.add_argument("--sentences", type=int, default=32)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    vocabulary = cast(Vocabulary, _Ids(given.vocabulary))
    batches = make_batches(vocabulary, given.sentences, given.length)
    plain = make_model("m2m100", given.preset, vocabulary)
    rows = []
    print(f"preset {given.preset}, {given.vocabulary:,} pieces, {given.sentences} sentences a batch", flush=True)
    for name in given.names:
        row = measure(name, plain, make_model(name, given.preset, vocabulary), batches, given.rounds)
        rows.append(row)
        print(f"{name}: {row['ratio']:.3f}, by round {row['lowest']:.3f} to {row['highest']:.3f}", flush=True)
    how = (
        f"Forward and backward of a batch of {given.sentences} sentences, up to {given.length} pieces each; preset "
        f"{given.preset}, {given.vocabulary:,} pieces in all; medians of process CPU time over {given.rounds} rounds, "
        f"by turns, one thread; `python -m benchmarks.architectures --rounds {given.rounds}`; {describe_processors()}; "
        f"torch {torch.__version__}; commit {str(source_commit())[:12]}."
    )
    if given.json:
        content = {"rows": rows, **make_table(rows, how)}
        given.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def make_model(name: str, preset: str, vocabulary: Vocabulary) -> TranslationModel:
    """Build a model in training mode, in the last step of its training."""
    settings = {"preset": preset, **SETTINGS.get(name, {})}
    if name in EXTENSIONS:
        plain = M2M100.model_validate(settings).build_plain(vocabulary, 1)
        model = EXTENSIONS[name].extend(plain, DIRECTIONS).train()
    else:
        model = ARCHITECTURES[name].model_validate(settings).build(vocabulary, DIRECTIONS, 1).train()
    model.at_step(100, 100)
    return model


if __name__ == "__main__":
    main()
