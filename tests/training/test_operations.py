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
from catscale.model import chunked_cross_entropy, likelihood
from catscale.model.output_layer import list_tables
from catscale.model.transformer import PRESETS
from catscale.run.assembly import Assembly
from catscale.run.config import parse_config
from catscale.training.config import TrainingConfig
from catscale.training.step_losses import LAUNCH
from catscale.training.trainer import Trainer
from tests.run.corpus import random_pairs
from tests.unchecked import unchecked

PART, TOKENS, PARAMETERS = 128, 32_768, 45e6
KEPT = 6 * 8 * 512 + 6 * 16 * 512 + 12 * 2 * (512 + 1024)
"""Numbers of a position that the layers of `ted` keep: six encoder and six decoder layers, 512 wide, 1,024 within."""
LANGUAGES = ("az", "be", "cs", "fr", "gl", "pt", "ru", "tr")
BOUND = 2_500


def make(
    folder: Path, autocast: torch.dtype | None, pieces: int = 8_000, monkeypatch: pytest.MonkeyPatch | None = None
) -> Trainer:
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
    trainer.builder.limit = whole.joint_limit(pieces, KEPT) // PART
    if monkeypatch is not None:  # as many chunks of scores as a whole step has on a GPU
        entries = sum(map(len, list_tables(unchecked(trainer.model).network.lm_head)))
        scores = chunked_cross_entropy.DEVICE_SCORES // pieces * entries // PART
        for module in (chunked_cross_entropy, likelihood):
            monkeypatch.setattr(module, "SCORES_AT_ONCE", scores)
    return trainer


def count(trainer: Trainer) -> StepCounts:
    """Count the second step."""
    trainer.start()
    trainer.step()
    return count_step(trainer.model, trainer.step)


def count_passes(found: StepCounts) -> int:
    return found.launches["embedding"] // 2  # the tables of both sides, by pass


@pytest.mark.parametrize("pieces", [8_000, 26_000, 32_000])
def test_a_step_that_measures_nothing_is_within_the_bound_in_the_passes_that_are_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    trainer = make(tmp_path, None, pieces, monkeypatch)
    assert len(trainer.model.layers()) == 2 * PRESETS["ted"]["layers"] == 12
    found = count(trainer)
    assert count_passes(found) == 2  # of 13 sub-batches
    assert 1_000 < found.operations <= BOUND
    assert found.waits == {"cpu": 1}


@pytest.mark.parametrize(("passes", "pieces"), [(1, 8_000), (2, 8_000), (1, 32_000), (2, 26_000), (2, 32_000)])
def test_mixed_precision_is_within_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passes: int, pieces: int
) -> None:
    """Casts of parameters are an operation a layer, once, and so are those of their gradients in every pass."""
    trainer = make(tmp_path, torch.bfloat16, pieces, monkeypatch)
    if passes == 1:
        trainer.builder.launch, trainer.builder.limit = 1e9, 10**9
    found = count(trainer)
    assert count_passes(found) == passes
    assert 1_000 < found.operations <= BOUND
    assert found.launches["_to_copy"] <= 190 * passes + found.launches["_log_softmax"]  # of activations, and a chunk's
    assert found.launches["_foreach_copy_"] == 12 * (1 + passes)
