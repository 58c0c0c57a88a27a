"""Rows in the shares of a sampler, for the Trainer."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from catscale import Fixed
from catscale.errors import CheckpointError, ConfigError
from catscale.integrations.task_rows import REWARDS_FILE, TaskRows
from catscale.sampling import ADO, ODM, CATSSampling, DevLoss, MultiDDS, OwnGap, PiKE, TemperatureSampling, UniMax

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
    dev = changes.pop("dev", make_rows()[::2])
    sampling = options.pop("sampling", TemperatureSampling(temperature=100))
    resume = changes.pop("resume", None)
    trainer = BalancedSeq2SeqTrainer(
        make_model(),
        arguments(folder, **({"gradient_accumulation_steps": 2, "max_steps": 8} | changes)),
        data_collator=collate,
        train_dataset=make_rows(),
        eval_dataset=dev,
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


LEARNING = [
    MultiDDS(interval=2, learning_rate=5.0),
    CATSSampling(interval=2, learning_rate=0.5),
    CATSSampling(interval=2, learning_rate=0.5, split="dev", unit_length=False),
    PiKE(interval=2, gain=0.5),
    ADO(interval=2, warm_up=0, refit=100),
]


@pytest.mark.parametrize("method", LEARNING, ids=["multidds", "cats_sampling", "on dev", "pike", "losses"])
def test_a_sampler_learns_in_the_trainer(tmp_path: Path, method: Any) -> None:
    changes: dict[str, Any] = {"sampling": method, "max_steps": 7, "gradient_accumulation_steps": 1}
    one = train(tmp_path, **changes)
    rows = one._task_rows
    assert [step for step, _ in rows.learnt] == [2, 4, 6]
    rewards = [of for _, of in rows.learnt]
    assert all(set(of) == set(TASKS) for of in rewards)
    assert len({tuple(of.values()) for of in rewards}) == 3
    if isinstance(method, ADO):  # it waits for more of them
        return
    assert abs(rows.sampler.probabilities(8) - make(method=method).sampler.probabilities(8)).max() > 1e-3


def test_rewards_are_products_of_the_tasks_gradients(tmp_path: Path) -> None:
    """Against gradients by backward(), of all rows of each task, before the first update."""
    method = CATSSampling(interval=1, learning_rate=0.5, unit_length=False)
    options: dict[str, Any] = {"learning_rate": 0.0, "max_steps": 2, "per_device_train_batch_size": 36}
    trainer = train(tmp_path, sampling=method, gradient_accumulation_steps=1, **options)
    ((step, found),) = trainer._task_rows.learnt
    assert step == 1
    gradients, lengths = [], []
    for task in TASKS:
        batch = collate([{k: v for k, v in row.items() if k != "task"} for row in make_rows() if row["task"] == task])
        model = make_model()
        model(**batch).loss.backward()  # the mean over its tokens
        gradients.append(torch.cat([p.grad.flatten().double() for p in model.parameters()]))
        lengths.append(float((batch["labels"] != -100).sum() / len(batch["labels"])))
    shares = torch.from_numpy(make(method=method).sampler.probabilities(1)) * torch.tensor(lengths)
    shares = shares / shares.sum()
    products = torch.stack([torch.stack([a @ b for a in gradients]) for b in gradients])
    unit = max(shares @ products @ shares, shares**2 @ products.diagonal())
    assert list(found.values()) == pytest.approx((products @ shares / unit).tolist(), rel=1e-4)


def test_losses_are_those_of_the_log(tmp_path: Path) -> None:
    """Nats per target token of every step, as the Trainer logs them."""
    options: dict[str, Any] = {"logging_steps": 1, "max_steps": 3, "gradient_accumulation_steps": 1}
    trainer = train(tmp_path, sampling=ODM(warm_up=0), **options)
    logged = [entry for entry in trainer.state.log_history if "loss" in entry]
    for (step, of), entry in zip(trainer._task_rows.learnt, logged, strict=False):
        assert entry["step"] == step
        assert of == pytest.approx({name[10:]: entry[name] for name in entry if name.startswith("task_loss/")})
    assert [step for step, _ in trainer._task_rows.learnt] == [1, 2]


def test_what_is_learnt_counts_from_the_third_update_on() -> None:
    now = [0]
    rows = make(method=MultiDDS(learning_rate=50.0), epoch_now=lambda updates: now[0] // updates)
    before = [list(rows) for now[0] in (0, 3)]
    rows.learn(1, {"large": 0.0, "middle": 0.0, "small": 1.0})
    after = [list(rows) for now[0] in (0, 3)]
    assert after[0] == before[0]  # updates 1 to 3
    assert {NAMES[row] for row in after[1]} == {"small"}  # from the fourth on


@pytest.mark.parametrize(
    "method", [LEARNING[0], PiKE(interval=3), ADO(interval=3, warm_up=0, refit=3)], ids=["cosines", "pairs", "losses"]
)
def test_learnt_is_resumed_bit_for_bit(tmp_path: Path, method: Any) -> None:
    changes: dict[str, Any] = {"save_strategy": "steps", "save_steps": 4, "max_steps": 7, "sampling": method}
    changes["per_device_train_batch_size"] = 12
    whole = train(tmp_path / "whole", gradient_accumulation_steps=1, **changes)
    train(tmp_path / "cut", callbacks=[StopAt(4)], gradient_accumulation_steps=1, **changes)
    checkpoint = str(tmp_path / "cut" / "checkpoint-4")
    second = train(tmp_path / "cut", resume=checkpoint, gradient_accumulation_steps=1, **changes)
    assert second._task_rows.learnt == whole._task_rows.learnt
    assert torch.equal(parameters(second), parameters(whole))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"after": 2, "of": {"large": 1.0}},
            "must have rewards of large, middle, small before step 5, found those of large",
        ),
        ({"after": 6, "of": dict.fromkeys(TASKS, 1.0)}, "after step 6; resume from another checkpoint"),
    ],
)
def test_rewards_of_something_else_are_refused(tmp_path: Path, entry: Any, message: str) -> None:
    (tmp_path / REWARDS_FILE).write_text(json.dumps({"rewards": [entry]}))
    with pytest.raises(CheckpointError, match=message):
        make(method=MultiDDS()).load(tmp_path, 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"sampling": MultiDDS(), "dev": None},
            "multidds compares with gradients on evaluation data: eval_dataset must",
        ),
        ({"sampling": MultiDDS(), "dev": make_rows(None)}, "name their task in the column 'task', found none"),
        (
            {"sampling": CATSSampling(split="dev"), "dev": {"a": []}},
            "cats_sampling compares with gradients on evaluation",
        ),
        ({"sampling": DevLoss()}, "dev_loss learns from the dev loss of each task, which the Trainer does not measure"),
        ({"sampling": MultiDDS(reward="uncertainty")}, "multidds learns from the dev uncertainty of each task, which"),
        (
            {"sampling": OwnGap()},
            "own_gap learns from the gap of train and dev of each task, which the Trainer does not",
        ),
        ({"sampling": CATSSampling(), "dataloader_num_workers": 1}, "found dataloader_num_workers=1; set it to 0"),
        ({"sampling": "temperature"}, r"found the name 'temperature'; write SAMPLERS\['temperature'\]\(\)"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        train(tmp_path, **changes)
