"""Rows in the shares of a sampler, for the Trainer."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from catscale import Fixed
from catscale.errors import ConfigError
from catscale.integrations.task_rows import TaskRows
from catscale.sampling import CATSSampling, MultiDDS, TemperatureSampling, UniMax

pytest.importorskip("accelerate", reason="the Trainer needs accelerate: pip install 'catscale[hf]'")
from catscale.integrations.transformers import BalancedSeq2SeqTrainer
from tests.integrations.test_transformers import StopAt
from tests.integrations.toy import SIZES, TASKS, arguments, collate, make_model, make_rows

NAMES = [row["task"] for row in make_rows()]  # 24, 8 and 4


def make(**options: Any) -> TaskRows:
    settings: dict[str, Any] = {"update_rows": 12, "updates": 9, "epochs": 3, "seed": 1, "epoch_now": lambda _: 0}
    method = options.pop("method", TemperatureSampling(temperature=1e9))
    return TaskRows(TASKS, options.pop("names", NAMES), method, **(settings | options))


def test_each_update_has_the_shares() -> None:
    rows = list(make())
    assert len(rows) == len(make()) == 36
    for start in range(0, 36, 12):
        assert Counter(NAMES[row] for row in rows[start : start + 12]) == dict.fromkeys(SIZES, 4)


def test_an_epoch_follows_from_its_number() -> None:
    now = [0]
    rows = make(epoch_now=lambda updates: now[0] // updates)
    epochs = []
    for step in (0, 3, 6):
        now[0] = step
        epochs.append(list(rows))
    assert len({tuple(epoch) for epoch in epochs}) == 3
    for step in (4, 0, 8):  # one that goes on, one that begins again, a later one
        now[0] = step
        assert list(rows) == epochs[step // 3]


def test_the_training_s_length_is_known_to_the_sampler() -> None:
    def small(**options: Any) -> int:
        return sum(NAMES[row] == "small" for row in make(method=UniMax(max_epochs=1), **options))

    assert small(updates=3) == 4  # 36 rows: 4 of the small task once, the others of the others
    assert small(updates=None, epochs=1) == 4
    assert small(updates=None, epochs=0.34) == 12  # one update, a third of it each


def test_rows_of_no_task_are_refused() -> None:
    with pytest.raises(ConfigError, match="one of the tasks large, middle, small, found 'other' in row 36; correct"):
        make(names=[*NAMES, "other"])


def train(folder: Path, **changes: Any) -> Any:
    options = {name: changes.pop(name) for name in ("callbacks", "sampling") if name in changes}
    sampling = options.pop("sampling", TemperatureSampling(temperature=100))
    resume = changes.pop("resume", None)
    trainer = BalancedSeq2SeqTrainer(
        make_model(),
        arguments(folder, **({"gradient_accumulation_steps": 2, "max_steps": 8} | changes)),
        data_collator=collate,
        train_dataset=make_rows(),
        balancer_method=Fixed(),
        sampling=sampling,
        **options,
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def parameters(trainer: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


def test_the_trainer_s_steps_have_the_shares(tmp_path: Path) -> None:
    held: list[Counter[str]] = []

    class Watched(BalancedSeq2SeqTrainer):
        def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
            held.append(Counter({task: len(batch["labels"]) for task, batch in inputs.items()}))
            return super().training_step(model, inputs, num_items_in_batch)

    Watched(
        make_model(),
        arguments(tmp_path, gradient_accumulation_steps=2, max_steps=4),
        data_collator=collate,
        train_dataset=make_rows(),
        balancer_method=Fixed(),
        sampling=TemperatureSampling(temperature=1e9, replay=0.5),
        old_tasks=["small"],
    ).train()
    assert len(held) == 8
    for one, two in zip(held[::2], held[1::2], strict=True):
        assert one + two == {"large": 3, "middle": 3, "small": 6}


def test_resumed_is_uninterrupted_bit_for_bit(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"save_strategy": "steps", "save_steps": 5, "max_steps": 7}  # 3 steps an epoch
    whole = train(tmp_path / "whole", **changes)
    train(tmp_path / "cut", callbacks=[StopAt(5)], **changes)
    second = train(tmp_path / "cut", resume=str(tmp_path / "cut" / "checkpoint-5"), **changes)
    assert torch.equal(parameters(second), parameters(whole))


def test_the_cut_into_micro_batches_does_not_matter(tmp_path: Path) -> None:
    runs = [
        train(tmp_path, max_steps=3, per_device_train_batch_size=size, gradient_accumulation_steps=12 // size)
        for size in (12, 3)
    ]
    torch.testing.assert_close(parameters(runs[0]), parameters(runs[1]), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        (
            MultiDDS(),
            "learns nothing from gradients, found 'multidds'; take temperature, .* or give rewards to Mixture",
        ),
        (CATSSampling(), "found 'cats_sampling'"),
        ("temperature", r"found the name 'temperature'; write SAMPLERS\['temperature'\]\(\)"),
    ],
)
def test_other_samplers_are_refused(tmp_path: Path, sampling: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        train(tmp_path, sampling=sampling)
