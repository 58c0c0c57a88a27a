"""What is not finite is passed over, where that is asked for, and leaves no trace but the record of it."""

from functools import partial
from typing import Any

import pytest
import torch

from catscale.balancing import CATS, METHODS
from catscale.errors import DivergedError
from catscale.sampling import RewardRequest
from catscale.training.records.metrics_file import read_metrics
from catscale.training.trainer import Trainer
from tests.training import test_trainer as toy
from tests.unchecked import unchecked

NAN, INF = float("nan"), float("inf")


def _scaled(part, value: float) -> torch.Tensor:
    return part() * value


def _scaled_of(part, task: str, value: float) -> dict[str, torch.Tensor]:
    """The losses of a mixed batch, one of them spoilt."""
    return {name: loss * (value if name == task else 1.0) for name, loss in part().items()}


def spoil(trainer: Trainer, monkeypatch, steps: dict[int, tuple[str, float]]) -> None:
    """At these steps, a task's loss is that number."""
    build = trainer.builder.build

    def spoiled(batches, *given):
        prepared = build(batches, *given)
        task, value = steps.get(trainer.progress.step + 1, (None, 0.0))
        if task is not None:
            parts = prepared.losses[task]
            prepared.losses[task] = [partial(_scaled, part, value) for part in parts]
            if prepared.batch is not None:
                prepared.batch[:] = [partial(_scaled_of, part, task, value) for part in prepared.batch]
        return prepared

    monkeypatch.setattr(trainer.builder, "build", spoiled)


def spoil_gradient(trainer: Trainer, monkeypatch, step: int) -> None:
    """At a step the losses are finite and one parameter's gradient is not."""
    parameter = trainer.parameters[3]
    parameter.register_hook(lambda g: g * (NAN if trainer.progress.step + 1 == step else 1.0))


def frozen(trainer: Trainer) -> dict:
    """Everything that a skipped step must leave as it is."""
    optimizer = trainer.optimizer.state_dict()["state"]
    return {
        "parameters": [p.detach().clone() for p in trainer.parameters],
        "optimizer": [{k: v.clone() for k, v in slot.items()} for slot in optimizer.values()],
        "balancer": trainer.balancer.state_dict(),
        "sampler": trainer.stream.sampler.state_dict(),
    }


def same(left: Any, right: Any) -> bool:
    if isinstance(left, torch.Tensor):
        return isinstance(right, torch.Tensor) and bool((left.eq(right) | (left.isnan() & right.isnan())).all())
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


@pytest.fixture(autouse=True)
def _finite_validation(monkeypatch):
    monkeypatch.setattr(unchecked(toy).validation, "measure_nll", lambda *arguments: {"en-az": 1.0, "en-fr": 1.0})


@pytest.mark.parametrize("name", METHODS)
def test_a_skipped_step_changes_nothing_whatever_the_method(tmp_path, monkeypatch, name):
    trainer = toy.make(tmp_path, METHODS[name](), on_nonfinite="skip", max_steps=20)
    trainer.start()
    spoil(trainer, monkeypatch, {4: ("en-fr", NAN), 5: ("en-az", INF), 7: ("en-az", -INF)})
    for step in range(1, 9):
        before = frozen(trainer)
        trainer.step()
        assert trainer.progress.step == step
        assert same(frozen(trainer), before) == (step in (4, 5, 7))
        assert all(p.grad is None for p in trainer.parameters)
        assert all(p.isfinite().all() for p in trainer.parameters)
    found = [(r["step"], r["task"], r["what"], r["total"]) for r in read_metrics(tmp_path / "metrics.jsonl")
             if r["kind"] == "skip"]  # fmt: skip
    assert found == [(4, "en-fr", "loss", 1), (5, "en-az", "loss", 2), (7, "en-az", "loss", 3)]
    assert (trainer.progress.skips.steps, trainer.progress.skips.total) == (0, 3)
    assert trainer.progress.window.steps == 5
    assert trainer.progress.tokens == 5 * 9


def test_a_gradient_that_is_not_finite_in_every_task(tmp_path, monkeypatch):
    trainer = toy.make(tmp_path, CATS(), on_nonfinite="skip")
    trainer.start()
    spoil_gradient(trainer, monkeypatch, 2)
    trainer.step()
    before = frozen(trainer)
    trainer.step()
    assert same(frozen(trainer), before)
    trainer.step()
    assert not same(frozen(trainer), before)
    (record,) = [r for r in read_metrics(tmp_path / "metrics.jsonl") if r["kind"] == "skip"]
    assert (record["what"], record["task"]) == ("gradient", "en-az")  # the first of them


def test_a_norm_that_overflows_though_every_number_is_finite(tmp_path):
    """The balancer has moved by then: its state goes back."""
    trainer = toy.make(tmp_path, METHODS["gradnorm"](), on_nonfinite="skip")
    trainer.start()
    trainer.step()
    before = frozen(trainer)
    hooks = [p.register_hook(lambda g: torch.full_like(g, 1e30)) for p in trainer.parameters]
    trainer.step()
    assert same(frozen(trainer), before)
    for hook in hooks:
        hook.remove()
    trainer.step()
    assert not same(frozen(trainer), before)


def test_too_many_in_a_row_stop_the_run(tmp_path, monkeypatch):
    trainer = toy.make(tmp_path, on_nonfinite="skip", max_skipped=3, max_steps=20, log_every=2)
    spoil(trainer, monkeypatch, dict.fromkeys((2, 3, 5, 6, 7, 8), ("en-fr", NAN)))
    message = r"step 8: the loss of task 'en-fr' must be finite, found nan; .*; 4 in a row, 6 in all, " \
        r"training\.max_skipped is 3; the last good checkpoint is kept"  # fmt: skip
    with pytest.raises(DivergedError, match=message) as caught:
        trainer.fit()
    assert (caught.value.what, caught.value.task) == ("loss", "en-fr")
    kinds = [(r["kind"], r["step"]) for r in read_metrics(tmp_path / "metrics.jsonl") if r["kind"] != "valid"]
    assert kinds == [("skip", 2), ("train", 2), ("skip", 3), ("train", 4), ("skip", 5), ("skip", 6), ("skip", 7)]


def test_none_is_skipped_where_none_may_be(tmp_path, monkeypatch):
    trainer = toy.make(tmp_path, on_nonfinite="skip", max_skipped=0)
    spoil(trainer, monkeypatch, {2: ("en-fr", NAN)})
    with pytest.raises(DivergedError, match=r"step 2: .*; 1 in a row, 1 in all, training\.max_skipped is 0"):
        trainer.fit()


def test_by_default_the_run_stops_before_the_update(tmp_path, monkeypatch):
    trainer = toy.make(tmp_path)
    trainer.start()
    spoil(trainer, monkeypatch, {2: ("en-fr", NAN)})
    trainer.step()
    before = frozen(trainer)
    message = r"step 2: the loss of task 'en-fr' must be finite, found nan; .*; the last good checkpoint is kept$"
    with pytest.raises(DivergedError, match=message):
        trainer.step()
    assert same(frozen(trainer), before)


def test_rewards_that_are_not_finite_leave_the_sampler_alone(tmp_path, monkeypatch):
    trainer = toy.make(tmp_path, on_nonfinite="skip", max_skipped=1, max_steps=20)
    trainer.start()
    failing = {2, 4, 6}
    moved: list[Any] = []

    def measure(request, step):
        if step in failing:
            raise DivergedError("the training gradient of task 'en-az' …", "training gradient", "en-az")
        return {"en-az": 1.0, "en-fr": 2.0}

    monkeypatch.setattr(trainer.rewards, "measure", measure)
    monkeypatch.setattr(trainer.stream, "sampler", Due(moved))
    monkeypatch.setattr("catscale.training.records.reporter.make_sample_record", lambda *arguments: {})
    failing.discard(4)
    for _ in range(5):
        before = trainer.parameters[0].detach().clone()
        trainer.step()
        assert not before.equal(trainer.parameters[0])  # the update itself is good
    assert (moved, trainer.progress.skips.rewards, trainer.progress.skips.total) == ([4], 0, 1)
    failing |= {6, 8}
    for _ in range(2):
        trainer.step()
    with pytest.raises(DivergedError, match=r"step 8: the training gradient of task 'en-az' …; 2 in a row, 3 in all"):
        trainer.step()
    (first, *_) = [r for r in read_metrics(tmp_path / "metrics.jsonl") if r["kind"] == "skip"]
    assert (first["step"], first["what"], first["task"]) == (2, "training gradient", "en-az")


class Due:
    """A sampler that is due every second step."""

    tasks = ("en-az", "en-fr")
    request = RewardRequest(2, "each")

    def __init__(self, moved: list) -> None:
        self.moved, self.step = moved, 0

    def due(self, step: int) -> RewardRequest | None:
        self.step = step
        return None if step % 2 else self.request

    def note(self, nats: dict, tokens: dict) -> None:
        """Leave the losses of a step alone."""

    def update(self, rewards: dict) -> None:
        self.moved.append(self.step)
