"""What a step of the preset `ted` launches for 8 tasks at 32,768 target tokens, counted at a small width.

The number of operations follows from layers and passes, not from widths: sentences, the positions that the start of a
pass costs and those that a pass may hold are all 128th parts of an H200's, so that passes are joined as there.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from benchmarks.counts import StepCounts, count_step

from catscale.data.direction import Direction
from catscale.distributed.processes import Processes
from catscale.model.transformer import PRESETS
from catscale.run.assembly import Assembly
from catscale.run.config import parse_config
from catscale.training.config import TrainingConfig
from catscale.training.step_losses import LAUNCH
from catscale.training.trainer import Trainer
from tests.run.corpus import random_pairs

PART, TOKENS, PIECES, PARAMETERS = 128, 32_768, 8_000, 45e6
LANGUAGES = ("az", "be", "cs", "fr", "gl", "pt", "ru", "tr")
BOUND = 2_500


def make(folder: Path, autocast: torch.dtype | None) -> Trainer:
    directions = [Direction("en", language) for language in LANGUAGES]
    splits = {direction: random_pairs(60, seed) for seed, direction in enumerate(directions)}
    vocabulary = SimpleNamespace(size=110, bos_id=0, pad_id=1, eos_id=2, unk_id=3, tag=lambda language: 105)
    store: Any = SimpleNamespace(
        directions=directions,
        vocabulary=vocabulary,
        split=lambda split, direction: splits[direction],
        has_split=lambda split, direction: True,
        confirm=lambda: None,
    )
    sizes = {"preset": "ted", "width": 16, "heads": 2, "feed_forward": 16}
    training = {"batch_tokens": TOKENS // PART, "device": "cpu", "precision": "fp32", "max_steps": 100}
    content = {
        "data": {"format": "moses", "path": "x", "source": "en", "targets": "all"},
        "model": sizes,
        "training": training | {"sub_batch_tokens": TOKENS // PART // 8, "joint_tokens": 10_000},
        "sampling": {"method": "every"},
    }
    trainer = Trainer(Assembly(parse_config(content, "x"), store).build_setup(folder, Processes(), lambda line: None))
    whole = TrainingConfig(batch_tokens=TOKENS)
    trainer.builder.autocast, trainer.builder.launch = autocast, LAUNCH / PARAMETERS / PART
    trainer.builder.limit = whole.joint_limit(PIECES) // PART
    return trainer


def count(trainer: Trainer) -> StepCounts:
    """Count the second step."""
    trainer.start()
    trainer.step()
    return count_step(trainer.model, trainer.step)


def count_passes(found: StepCounts) -> int:
    return found.launches["embedding"] // 2  # the tables of both sides, by pass


def test_a_step_that_measures_nothing_is_within_the_bound_in_the_passes_that_are_chosen(tmp_path: Path) -> None:
    trainer = make(tmp_path, None)
    assert len(trainer.model.layers()) == 2 * PRESETS["ted"]["layers"] == 12
    found = count(trainer)
    assert count_passes(found) == 2  # of 13 sub-batches
    assert 1_000 < found.operations <= BOUND
    assert found.waits == {"cpu": 1}


@pytest.mark.parametrize("passes", [1, 2])
def test_mixed_precision_is_within_it_too(tmp_path: Path, passes: int) -> None:
    """Casts of parameters are an operation a layer, once, and so are those of their gradients in every pass."""
    trainer = make(tmp_path, torch.bfloat16)
    if passes == 1:
        trainer.builder.launch, trainer.builder.limit = 1e9, 10**9
    found = count(trainer)
    assert count_passes(found) == passes
    assert 1_000 < found.operations <= BOUND
    assert found.launches["_to_copy"] <= 190 * passes  # of activations
    assert found.launches["_foreach_copy_"] == 12 * (1 + passes)
