"""The balanced Seq2SeqTrainer: the same training as the Trainer's where it should be, exact resume, clear errors."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils.data import IterableDataset

from catscale import CATS, Fixed
from catscale.errors import CheckpointError, ConfigError

pytest.importorskip("accelerate", reason="the Trainer needs accelerate: pip install 'catscale[hf]'")
from transformers import GPT2Config, GPT2LMHeadModel, Seq2SeqTrainer, TrainerCallback

from catscale.integrations.state_file import STATE_FILE
from catscale.integrations.transformers import BalancedSeq2SeqTrainer
from catscale.sampling import TemperatureSampling
from tests.integrations.toy import SIZES, TASKS, arguments, collate, make_model, make_rows
from tests.torchrun import torchrun_command


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def balanced(folder: Path, method: Any = None, dropout: float = 0.0, rows: Any = None, **changes: Any) -> Any:
    options = {name: changes.pop(name) for name in list(changes) if name in TRAINER_OPTIONS}
    return BalancedSeq2SeqTrainer(
        options.pop("model", None) or make_model(dropout),
        arguments(folder, **changes),
        data_collator=collate,
        train_dataset=make_rows() if rows is None else rows,
        balancer_method=method or CATS(inner_steps=2),
        **options,
    )


TRAINER_OPTIONS = {
    "model",
    "tasks",
    "task_column",
    "sampling",
    "balancer_options",
    "eval_dataset",
    "callbacks",
    "compute_loss_func",
}


def plain(folder: Path, **changes: Any) -> Seq2SeqTrainer:
    return Seq2SeqTrainer(make_model(), arguments(folder, **changes), data_collator=collate, train_dataset=make_rows())


def parameters(trainer: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


def initial() -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in make_model().parameters()])


def start(trainer: Any) -> Any:
    trainer.train()
    return trainer


def state_of(trainer: Any) -> dict[str, Any]:
    return trainer.balancer.state_dict()["state"]


@pytest.mark.parametrize(
    "changes",
    [{}, {"bf16": True}, {"max_grad_norm": 0.1}, {"per_device_train_batch_size": 1}],
    ids=["fp32", "bf16", "clipped", "one row"],
)
def test_equal_fixed_weights_are_the_trainer_s_own_training(tmp_path: Path, changes: dict[str, Any]) -> None:
    expected, found = start(plain(tmp_path, **changes)), start(balanced(tmp_path, Fixed(), **changes))
    assert (parameters(expected) - initial()).abs().max() > 0.01
    tolerance = 2e-3 if "bf16" in changes else 1e-6
    torch.testing.assert_close(parameters(found), parameters(expected), rtol=0, atol=tolerance)
    for one, two in zip(expected.state.log_history[:-1], found.state.log_history[:-1], strict=True):
        assert two["loss"] == pytest.approx(one["loss"], abs=1e-2 if "bf16" in changes else 1e-4)


def test_accumulation_is_one_large_batch(tmp_path: Path) -> None:
    """Losses are divided by the tokens of the whole step, so that the split into micro-batches does not matter."""
    for method in (Fixed(), CATS(inner_steps=2)):
        runs = [
            start(balanced(tmp_path, method, per_device_train_batch_size=size, gradient_accumulation_steps=12 // size))
            for size in (12, 4, 1)
        ]
        for run in runs[1:]:
            torch.testing.assert_close(parameters(run), parameters(runs[0]), rtol=0, atol=1e-5)


def test_accumulation_with_label_smoothing_is_the_trainer_s(tmp_path: Path) -> None:
    """The Trainer counts tokens over the whole step only where it smooths: M2M100's own loss ignores the count."""
    changes: dict[str, Any] = {
        "label_smoothing_factor": 0.1,
        "gradient_accumulation_steps": 3,
        "per_device_train_batch_size": 2,
    }
    with pytest.raises(ValueError, match="decoder_input"):
        plain(tmp_path, **changes).train()
    reference = Seq2SeqTrainer(
        make_model(), arguments(tmp_path, **changes), data_collator=with_decoder_inputs, train_dataset=make_rows()
    )
    found = start(balanced(tmp_path, Fixed(), **changes))
    torch.testing.assert_close(parameters(found), parameters(start(reference)), rtol=0, atol=1e-6)


def with_decoder_inputs(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    batch = collate(rows)
    labels = batch["labels"]
    start_column = torch.full((len(labels), 1), 2)
    shifted = torch.cat([start_column, labels[:, :-1]], dim=1)
    return {**batch, "decoder_input_ids": shifted.where(shifted != -100, torch.tensor(1))}


def test_a_step_s_gradient_is_the_weighted_sum_of_the_tasks_gradients(tmp_path: Path) -> None:
    weights = {"large": 0.2, "middle": 0.3, "small": 0.5}
    trainer = balanced(
        tmp_path,
        Fixed(task_weights=weights, losses="tasks"),
        max_steps=1,
        per_device_train_batch_size=36,
        max_grad_norm=0,
        lr_scheduler_type="constant",
    )
    before = parameters(trainer).clone()
    trainer.train()
    model = make_model()
    for task, weight in weights.items():
        rows = [{k: v for k, v in row.items() if k != "task"} for row in make_rows() if row["task"] == task]
        (weight * model(**collate(rows)).loss).backward()  # the model's own loss is the mean over tokens
    gradient = torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.testing.assert_close((before - parameters(trainer)) / 0.3, gradient, rtol=1e-3, atol=1e-6)


def test_the_log_has_losses_and_weights_of_the_tasks(tmp_path: Path) -> None:
    trainer = start(balanced(tmp_path, max_steps=4, logging_steps=2, per_device_train_batch_size=36))
    lines = [line for line in trainer.state.log_history if "loss" in line]
    assert len(lines) == 2
    for line in lines:
        assert {f"task_loss/{task}" for task in TASKS} <= line.keys()
        assert sum(line[f"task_weight/{task}"] for task in TASKS) == pytest.approx(1)
        assert line["loss"] == pytest.approx(sum(line[f"task_loss/{task}"] for task in TASKS) / 3, abs=0.5)
    (first,) = [line for line in start(balanced(tmp_path, Fixed(), max_steps=1)).state.log_history if "loss" in line]
    assert 2 < first["task_loss/large"] < 5


@pytest.mark.parametrize("method", [CATS(inner_steps=2, smoothing=0.5, metric="adam"), Fixed()], ids=["cats", "fixed"])
def test_resumed_is_uninterrupted_bit_for_bit(tmp_path: Path, method: Any) -> None:
    settings: dict[str, Any] = {
        "save_strategy": "steps",
        "save_steps": 3,
        "gradient_accumulation_steps": 2,
        "dropout": 0.3,
    }
    settings |= {"optim": "adamw_torch", "learning_rate": 1e-2}
    whole = start(balanced(tmp_path / "whole", method, max_steps=8, **settings))
    first = balanced(tmp_path / "cut", method, max_steps=8, callbacks=[StopAt(5)], **settings)
    first.train()
    assert first.state.global_step == 5
    shutil.rmtree(tmp_path / "cut" / "checkpoint-5", ignore_errors=True)  # what was not saved by the schedule
    second = balanced(tmp_path / "cut", method, max_steps=8, **settings)
    second.train(resume_from_checkpoint=True)
    assert second.state.global_step == 8
    assert torch.equal(parameters(second), parameters(whole))
    for name, value in state_of(whole).items():
        torch.testing.assert_close(state_of(second)[name], value, rtol=0, atol=0, equal_nan=True)


class StopAt(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        control.should_training_stop = state.global_step >= self.step


def test_the_state_is_one_safetensors_file(tmp_path: Path) -> None:
    trainer = start(balanced(tmp_path, save_strategy="steps", save_steps=6))
    saved = load_file(tmp_path / "checkpoint-6" / STATE_FILE)
    assert torch.equal(saved["alpha"], trainer.balancer.state.alpha)
    assert saved["alpha"].dtype == torch.float64


def test_a_second_training_starts_the_balancer_afresh(tmp_path: Path) -> None:
    trainer = start(balanced(tmp_path))
    first = trainer.balancer
    trainer.train()
    assert trainer.balancer is not first
    assert trainer.balancer.state.steps == 6


def test_evaluation_and_prediction_are_the_trainer_s(tmp_path: Path) -> None:
    rows = make_rows()[::3]
    for smoothing in (0.0, 0.1):
        changes: dict[str, Any] = {"label_smoothing_factor": smoothing, "generation_max_length": 8}
        ours = balanced(tmp_path, eval_dataset=rows, **changes)
        reference = Seq2SeqTrainer(
            make_model(), arguments(tmp_path, **changes), data_collator=with_decoder_inputs, eval_dataset=rows
        )
        assert ours.evaluate()["eval_loss"] == pytest.approx(reference.evaluate()["eval_loss"], abs=1e-6)
    for predict_with_generate in (False, True):
        changes["predict_with_generate"] = predict_with_generate
        ours = balanced(tmp_path, eval_dataset=rows, **changes)
        prediction = ours.predict(rows)
        assert prediction.metrics["test_loss"] > 0
        assert len(prediction.label_ids) == len(rows)


def test_evaluation_amid_training_changes_nothing(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"eval_strategy": "steps", "eval_steps": 1, "eval_dataset": make_rows()}
    one, two = start(balanced(tmp_path)), start(balanced(tmp_path, **changes))
    assert torch.equal(parameters(one), parameters(two))


def test_it_learns_with_cats(tmp_path: Path) -> None:
    lines = start(
        balanced(tmp_path, max_steps=60, logging_steps=10, optim="adamw_torch", learning_rate=1e-2)
    ).state.log_history
    for task in SIZES:
        assert lines[5][f"task_loss/{task}"] < 0.95 * lines[0][f"task_loss/{task}"]


def test_low_memory_and_a_subset_of_the_parameters(tmp_path: Path) -> None:
    method = CATS(inner_steps=1, statistics="products")
    runs = [start(balanced(tmp_path, method, balancer_options={"low_memory": low})) for low in (False, True)]
    torch.testing.assert_close(parameters(runs[0]), parameters(runs[1]), rtol=0, atol=1e-5)
    model = make_model()
    decoder = list(model.model.decoder.layers.parameters())
    trainer = start(balanced(tmp_path, model=model, balancer_options={"parameters": decoder}))
    assert len(trainer.balancer.parameters) == len(decoder)
    moved = (parameters(trainer) != initial()).float().mean()
    assert moved > 0.9  # those that are not compared are trained too


def test_a_gradient_scaler_changes_nothing_but_the_scale(tmp_path: Path) -> None:
    """What fp16 does on a GPU, with a scaler of the CPU: gradients are scaled by 65,536 until the optimiser's step."""
    scaled = balanced(tmp_path, max_grad_norm=0)
    scaled.accelerator.scaler = torch.amp.GradScaler("cpu")
    start(scaled)
    assert scaled.accelerator.scaler.get_scale() == 65536
    unscaled = start(balanced(tmp_path, max_grad_norm=0))
    torch.testing.assert_close(parameters(scaled), parameters(unscaled), rtol=0, atol=1e-5)
    torch.testing.assert_close(scaled.balancer.state.alpha, unscaled.balancer.state.alpha, rtol=1e-4, atol=0)


def test_adapters_of_peft(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="pip install peft to test its adapters too")
    settings = peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"])
    changes: dict[str, Any] = {
        "label_smoothing_factor": 0.1,
        "save_strategy": "steps",
        "save_steps": 3,
        "optim": "adamw_torch",
    }
    whole, first = (
        balanced(tmp_path / name, model=peft.get_peft_model(make_model(), settings), max_steps=4, **changes)
        for name in ("whole", "cut")
    )
    frozen = {name: p.clone() for name, p in whole.model.named_parameters() if not p.requires_grad}
    start(whole)
    assert all(torch.equal(p, frozen[name]) for name, p in whole.model.named_parameters() if name in frozen)
    assert len(whole.balancer.parameters) == sum(p.requires_grad for p in whole.model.parameters())
    first.train(resume_from_checkpoint=str(tmp_path / "whole" / "checkpoint-3"))
    assert torch.equal(parameters(first), parameters(whole))


def test_the_trainer_adds_up_micro_batches_that_it_does_not_smooth(tmp_path: Path) -> None:
    """A property of transformers 5.23 with M2M100 that docs/integrations.md warns of; should it go, mend the page."""
    changes: dict[str, Any] = {"gradient_accumulation_steps": 3, "per_device_train_batch_size": 12, "max_steps": 1}
    theirs, ours = (
        start(trainer).state.log_history[0]
        for trainer in (plain(tmp_path, **changes), balanced(tmp_path, Fixed(), **changes))
    )
    assert theirs["grad_norm"] / ours["grad_norm"] == pytest.approx(3, rel=0.1)
    assert theirs["loss"] / ours["loss"] == pytest.approx(3, rel=0.1)


def test_a_loss_of_one_s_own(tmp_path: Path) -> None:
    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: float) -> torch.Tensor:
        logits = outputs["logits"].flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, labels.flatten(), reduction="sum") / num_items_in_batch

    one, two = start(balanced(tmp_path)), start(balanced(tmp_path, compute_loss_func=loss))
    torch.testing.assert_close(parameters(one), parameters(two), rtol=0, atol=1e-6)


def test_workers_collate_and_another_column_names_the_task(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"task_column": "direction", "tasks": [*TASKS, "absent"]}
    trainer = start(balanced(tmp_path, Fixed(), rows=make_rows("direction"), dataloader_num_workers=1, **settings))
    torch.testing.assert_close(parameters(trainer), parameters(start(plain(tmp_path))), rtol=0, atol=1e-6)
    assert trainer.balancer.tasks == [*TASKS, "absent"]


def test_data_without_the_task_column(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"task in the column 'task', found the columns input_ids, labels; add it"):
        balanced(tmp_path, rows=make_rows(None))
    with pytest.raises(ConfigError, match="in the column 'task', found the columns input_ids, labels, direction"):
        balanced(tmp_path, rows=make_rows("direction"), tasks=TASKS)


def test_a_task_that_is_not_in_the_list(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'task' must name one of the tasks large, middle, found 'small'; correct"):
        balanced(tmp_path, tasks=["large", "middle"], per_device_train_batch_size=36).train()


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must have rows, found none"):
        balanced(tmp_path, rows=[])


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(make_rows())


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        ({"balancer_method": CATS}, r"the balancer_method must be an instance .* the class CATS; write CATS\(\)"),
        ({"balancer_method": "cats"}, r"found the name 'cats'; write METHODS\['cats'\]\(\)"),
        ({"tasks": "small"}, r"found the text 'small'; write \['small'\]"),
        ({"tasks": ["small", "small"]}, "name each once"),
        ({"task_column": None}, "task_column must be the name of a column, found None"),
        ({"balancer_options": {"low_memry": True}}, "has 'low_memry', which is no option; did you mean 'low_memory'"),
        ({"balancer_options": ["low_memory"]}, "balancer_options must be a mapping, found a list"),
    ],
)
def test_mistakes_are_answered_when_the_trainer_is_built(tmp_path: Path, settings: dict[str, Any], answer: str) -> None:
    method = settings.pop("balancer_method", Fixed())
    with pytest.raises(ConfigError, match=answer):
        balanced(tmp_path, method, **settings)


def test_what_is_not_supported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"found a training set without rows to look up .*; change it"):
        balanced(tmp_path, rows=Stream())
    with pytest.raises(ConfigError, match=r"found accelerator_config.dispatch_batches; auto_find_batch_size"):
        balanced(tmp_path, accelerator_config={"dispatch_batches": True}, auto_find_batch_size=True)
    with pytest.raises(ConfigError, match="an optimiser that steps in the backward pass"):
        balanced(tmp_path, optim="lomo")
    decoder = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=1))
    with pytest.raises(ConfigError, match="found a model that is no encoder-decoder"):
        balanced(tmp_path, model=decoder)


def test_checkpoints_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {"save_strategy": "steps", "save_steps": 3, "max_steps": 3}
    start(balanced(tmp_path, **settings))
    settings["max_steps"] = 4
    checkpoint = tmp_path / "checkpoint-3"
    with pytest.raises(CheckpointError, match=r"the saved balancer is 'cats' .* this one is 'fixed'"):
        balanced(tmp_path, Fixed(), **settings).train(resume_from_checkpoint=str(checkpoint))
    with monkeypatch.context() as patch:
        patch.delattr(BalancedSeq2SeqTrainer, "_load_optimizer_and_scheduler")
        with pytest.raises(CheckpointError, match="resumed at step 3 without the balancer's state"):
            balanced(tmp_path, **settings).train(resume_from_checkpoint=str(checkpoint))
    save_file({"x": torch.zeros(1)}, checkpoint / STATE_FILE)
    with pytest.raises(CheckpointError, match=rf"{STATE_FILE} cannot be read .* resume from another"):
        balanced(tmp_path, **settings).train(resume_from_checkpoint=str(checkpoint))
    (checkpoint / STATE_FILE).unlink()
    with pytest.raises(CheckpointError, match=rf"checkpoint-3 holds no {STATE_FILE}"):
        balanced(tmp_path, **settings).train(resume_from_checkpoint=str(checkpoint))


@pytest.mark.slow
def test_two_processes_train_as_one_with_the_same_rows(tmp_path: Path) -> None:
    script = Path(__file__).with_name("two_processes.py")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        torchrun_command(2, script, tmp_path), capture_output=True, text=True, env=environment, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    found = load_file(tmp_path / "parameters.safetensors")
    resumed = json.loads((tmp_path / "resumed.json").read_text())
    methods: dict[str, Any] = {"fixed": Fixed(), "sampled": Fixed(), "cats": CATS(inner_steps=2)}
    for name, method in methods.items():
        sampling = TemperatureSampling(temperature=100) if name == "sampled" else None
        sizes: dict[str, Any] = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
        one = start(balanced(tmp_path / "one", method, sampling=sampling, **sizes))
        torch.testing.assert_close(found[name], parameters(one), rtol=0, atol=1e-5)
    assert resumed == {name: [True, True] for name in [*methods, "learnt"]}
