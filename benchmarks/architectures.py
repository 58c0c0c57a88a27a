"""What an architecture costs: CPU time of a forward and a backward beside the plain model's, by turns in one process.

    python benchmarks/architectures.py [--preset base] [--rounds 9] [latent_depth …]

Both models see the same batches, each of one direction: label smoothing 0.1, dropout 0.1. A row's ratio is that of the
sums over all rounds; beside it the ratios of single rounds, from the lowest to the highest. `m2m100` among the names is
a control. Latent depth is measured with all layers in use, as many as the plain model has, with hard samples.
"""

import argparse
import time
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
from catscale.vocabulary.contract import Vocabulary

LANGUAGES = ("be", "az", "gl", "sk", "cs", "tr", "pt", "ru")
DIRECTIONS = [Direction("en", language) for language in LANGUAGES]
SETTINGS: dict[str, dict[str, Any]] = {"latent_depth": {"start": 20.0}}
"""Settings beside the sizes."""
EXTENSIONS: dict[str, ModelExtension] = {"low-rank routing": LowRankRouting()}
"""What has no row in the table: a plain model that is extended as a pre-trained one is."""


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


def main() -> None:
    """Print a row per architecture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    others = [*(name for name in ARCHITECTURES if name not in ("m2m100", "pretrained")), *EXTENSIONS]
    parser.add_argument("names", nargs="*", default=others)
    parser.add_argument("--preset", default="base")
    parser.add_argument("--vocabulary", type=int, default=8000)
    parser.add_argument("--sentences", type=int, default=32)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    vocabulary = cast(Vocabulary, _Ids(arguments.vocabulary))
    batches = make_batches(vocabulary, arguments.sentences, arguments.length)
    plain = make_model("m2m100", arguments.preset, vocabulary)
    print(f"preset {arguments.preset}, {arguments.vocabulary:,} pieces, {arguments.sentences} sentences a batch")
    print("| architecture | parameters | CPU seconds, plain | CPU seconds | ratio | by round |")
    print("|---|---:|---:|---:|---:|---|")
    for name in arguments.names:
        model = make_model(name, arguments.preset, vocabulary)
        pairs = [time_both(plain, model, batches[turn % len(batches)], turn) for turn in range(arguments.rounds)]
        one, other = (sum(times) for times in zip(*pairs, strict=True))
        ratios = sorted(second / first for first, second in pairs)
        count = sum(parameter.numel() for parameter in model.parameters())
        spread = f"{ratios[0]:.3f} to {ratios[-1]:.3f}"
        print(f"| {name} | {count:,} | {one:.1f} | {other:.1f} | {other / one:.3f} | {spread} |")


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
    torch.set_num_threads(1)
    main()
