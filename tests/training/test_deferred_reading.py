"""Steps that are read when the next one is under way leave what steps that are read at once leave."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from benchmarks.counts import count_step

from catscale.balancing import CATS
from catscale.balancing.engine.reading import SentNumbers
from catscale.balancing.methods.famo import FAMO
from catscale.balancing.methods.fixed import Fixed
from catscale.distributed.processes import Processes
from catscale.errors import DivergedError, Interrupted
from catscale.optimisation.sam import SAM
from catscale.optimisation.table import DEFAULT
from catscale.sampling import Sampler, TemperatureSampling
from catscale.sampling.contract import RewardRequest
from catscale.sampling.dev_loss import DevLoss
from catscale.sampling.odm import ODM
from catscale.sampling.pike import PiKE
from catscale.training import deferred_reading
from catscale.training.deferred_reading import DeferredReading
from catscale.training.records.reporter import Reporter
from catscale.training.state import Progress, Window
from catscale.training.trainer import Trainer
from tests.training import test_trainer as toy
from tests.training.test_skipping import spoil, spoil_gradient
from tests.unchecked import unchecked

NUMBERS = re.compile(r"[\d,.]+ (s|tokens/s)")
TIMES = ("time", "tokens_per_second")
EVERY = {"max_steps": 12, "log_every": 4, "validate_every": 6}


@pytest.fixture(autouse=True)
def _finite_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchecked(toy).validation, "measure_nll", lambda *arguments: {"en-az": 1.0, "en-fr": 1.0})


def make(folder: Path, is_deferred: bool, method: Any = None, **settings: Any) -> Trainer:
    """A run whose steps are deferred as on another device, or not."""
    folder.mkdir(exist_ok=True)
    trainer = toy.make(folder, method, **{**EVERY, **settings})
    trainer.deferring.is_on = is_deferred
    return trainer


def content(trainer: Trainer) -> dict[str, Any]:
    """What a run leaves, times apart."""
    folder = trainer.setup.folder
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    progress = {name: value for name, value in trainer.progress.to_json().items() if name != "seconds"}
    progress["window"] = {name: value for name, value in progress["window"].items() if name != "seconds"}
    return {
        "records": [{name: value for name, value in line.items() if name not in TIMES} for line in lines],
        "progress": progress,
        "balancer": str(trainer.balancer.state_dict()),
        "optimizer": str(trainer.optimizer.state_dict()),
        "parameters": [parameter.detach().tolist() for parameter in trainer.parameters],
        "average": None if trainer.averages is None else str(unchecked(trainer.averages.moving).state_dict()),
    }


def count_deferred(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps that are deferred, as they come."""
    found: list[int] = []
    allows = trainer.deferring.allows

    def noting(progress: Progress, latest: float) -> bool:
        if is_deferred := allows(progress, latest):
            found.append(progress.step + 1)
        return is_deferred

    monkeypatch.setattr(trainer.deferring, "allows", noting)
    return found


class SlowODM(ODM):
    """Moves by training losses, after every three steps."""

    @property
    def request(self) -> RewardRequest:
        return RewardRequest(3, "losses")


METHODS: dict[str, Callable[[], Any]] = {"fixed": Fixed, "cats": lambda: CATS(inner_steps=5), "famo": FAMO}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("settings", [{}, {"average": {"ema": 0.9}}], ids=["plain", "ema"])
def test_a_run_leaves_the_same(tmp_path, monkeypatch, name, settings):
    at_once, deferred = (make(tmp_path / str(way), way, METHODS[name](), **settings) for way in (False, True))
    none, found = count_deferred(at_once, monkeypatch), count_deferred(deferred, monkeypatch)
    said: list[str] = []
    monkeypatch.setattr(Reporter, "say", lambda reporter, line: said.append(line))
    at_once.fit()
    expected, said[:] = [NUMBERS.sub("#", line) for line in said], []
    deferred.fit()
    assert content(deferred) == content(at_once)
    assert [NUMBERS.sub("#", line) for line in said] == expected
    assert sum("took" in line for line in said) == 1
    assert none == []
    # the first is not, nor one before a record or a validation, nor the 5th and the 10th of `cats`
    assert found == {"fixed": [2, 3, 5, 7, 9, 10, 11], "cats": [2, 3, 7, 9, 11], "famo": []}[name]


def test_one_that_is_read_later_waits_for_nothing(tmp_path):
    trainer = make(tmp_path, True, Fixed())
    trainer.start()
    trainer.step()
    assert count_step(trainer.model, trainer.step).synchronisations == 0
    assert count_step(trainer.model, trainer.step).synchronisations == 0
    assert trainer.progress.window.steps == 2  # the third is under way
    trainer.settle()
    trainer.settle()
    assert trainer.progress.window.steps == trainer.progress.step == 3


def take_ten_seconds_a_step(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have a clock of its own, the present time of which is returned, go on by ten seconds where a step is built."""
    now, build = [0.0], trainer.builder.build

    def building(*arguments: Any) -> Any:
        now[0] += 10
        return build(*arguments)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(trainer.builder, "build", building)
    return now


def test_a_step_takes_until_the_next_one_begins(tmp_path, monkeypatch):
    trainer = make(tmp_path, True, Fixed())
    take_ten_seconds_a_step(trainer, monkeypatch)
    trainer.start()
    seconds = []
    for _ in range(3):
        trainer.step()
        seconds.append(trainer.progress.window.seconds)
    trainer.settle()
    assert [*seconds, trainer.progress.window.seconds] == [10, 10, 20, 30]


def test_a_look_at_the_model_is_not_its_time(tmp_path, monkeypatch):
    trainer = make(tmp_path, True, Fixed(), log_every=100, validate_every=100, max_steps=3)
    now = take_ten_seconds_a_step(trainer, monkeypatch)

    def looking(*arguments: Any) -> float:
        now[0] += 1000
        return 1000

    monkeypatch.setattr(trainer.analysis, "run", looking)
    trainer.fit()
    assert trainer.progress.window.seconds == trainer.progress.seconds == 30


def test_it_is_read_when_the_next_one_is_under_way(tmp_path, monkeypatch):
    trainer = make(tmp_path, True, Fixed())
    told: list[str] = []
    descend, wait = trainer._descend, SentNumbers.wait

    def descending(*arguments: Any) -> Any:
        told.append(f"take {trainer.progress.step + 1}")
        return descend(*arguments)

    def waiting(sent: SentNumbers) -> Any:
        told.append("read")
        return wait(sent)

    monkeypatch.setattr(trainer, "_descend", descending)
    monkeypatch.setattr(SentNumbers, "wait", waiting)
    trainer.start()
    for _ in range(4):
        trainer.step()
    assert told == ["take 1", "take 2", "take 3", "read", "take 4", "read"]


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_step_that_is_not_finite_moves_nothing_and_ends_the_run_one_later(tmp_path, monkeypatch, what):
    trainer = make(tmp_path, True, Fixed())
    trainer.start()
    for _ in range(2):
        trainer.step()
    before = [parameter.detach().clone() for parameter in trainer.parameters]
    if what == "loss":
        spoil(trainer, monkeypatch, {3: ("en-fr", float("nan"))})
        message = "step 3: the loss of task 'en-fr' must be finite, found nan"
    else:
        spoil_gradient(trainer, monkeypatch, 3)
        message = "step 3: the combined gradient of the tasks en-az, en-fr must be finite"
    trainer.step()
    assert all(one.equal(two) for one, two in zip(before, trainer.parameters, strict=True))
    with pytest.raises(DivergedError, match=f"{message}.*the last good checkpoint is kept") as caught:
        trainer.step()
    assert caught.value.what == what
    assert trainer.progress.step == 3
    assert all(parameter.isfinite().all() for parameter in trainer.parameters)


@pytest.mark.parametrize("step", [3, 5, 7])
def test_nothing_more_is_written_of_a_run_that_such_a_step_ends(tmp_path, monkeypatch, step):
    trainer = make(tmp_path, True, Fixed())
    found = count_deferred(trainer, monkeypatch)
    spoil(trainer, monkeypatch, {step: ("en-az", float("inf"))})
    with pytest.raises(DivergedError, match=f"step {step}: the loss of task 'en-az' must be finite, found inf"):
        trainer.fit()
    assert step in found
    assert [path.name for path in tmp_path.glob("checkpoints/*")] == ["step-6"] * (step > 6)


def test_one_that_is_not_finite_is_found_where_the_run_is_interrupted(tmp_path, monkeypatch):
    trainer = make(tmp_path, True, Fixed(), log_every=100, validate_every=100, max_steps=100)
    spoil(trainer, monkeypatch, {5: ("en-az", float("inf"))})
    interrupt_at(trainer, monkeypatch, 5)
    with pytest.raises(DivergedError, match="step 5: the loss of task 'en-az' must be finite, found inf"):
        trainer.fit()
    assert not (tmp_path / "checkpoints").exists()


def test_one_before_the_minutes_are_spent_is_read(tmp_path):
    trainer = make(tmp_path, True, Fixed(), max_minutes=1e6, log_every=100, validate_every=100, max_steps=100)
    trainer.start()
    for _ in range(3):
        trainer.step()
    object.__setattr__(trainer.config, "max_minutes", 1e-9)
    assert trainer.run().step == 3
    assert trainer.progress.tokens == 3 * 9
    assert trainer.progress.window.steps == 3


def interrupt_at(trainer: Trainer, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Have a signal come while a step is taken."""
    take = trainer.batches.take

    def taking(number: int) -> Any:
        if number == step:
            unchecked(trainer.stopping.interrupt).is_set = True
        return take(number)

    monkeypatch.setattr(trainer.batches, "take", taking)


def test_an_interruption_saves_what_is_under_way(tmp_path, monkeypatch):
    trainer = make(tmp_path, True, Fixed(), log_every=100, validate_every=100, max_steps=100)
    interrupt_at(trainer, monkeypatch, 5)
    with pytest.raises(Interrupted, match="interrupted at step 5"):
        trainer.fit()
    again = make(tmp_path, True, Fixed(), log_every=100, validate_every=100, max_steps=100)
    again.start()
    assert (again.progress.step, again.progress.tokens, again.progress.window.steps) == (5, 5 * 9, 5)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"device": "cpu"}, False),
        ({"on_nonfinite": "skip"}, False),
        ({"optimizer": SAM()}, False),
        ({"is_sharded": True}, False),
        ({"dtype": torch.float64}, False),
    ],
)
def test_which_runs_read_later(tmp_path, monkeypatch, changed, expected):
    setup = toy.make(tmp_path, Fixed(), on_nonfinite=changed.get("on_nonfinite", "stop"), **EVERY).setup
    setup = replace(
        setup,
        optimizer=changed.get("optimizer", DEFAULT),
        processes=Processes(device=torch.device(changed.get("device", "meta"))),
    )
    monkeypatch.setattr(deferred_reading, "is_sharded", lambda model: changed.get("is_sharded", False))
    first = next(iter(setup.trainable_parameters().values()))
    first.data = first.data.to(changed.get("dtype", torch.float32))
    optimizer = setup.optimizer.build(setup.trainable_parameters())
    assert DeferredReading(setup, optimizer).is_on is expected


AT = Progress(window=Window(steps=1))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (1, True),
        (2, True),
        (3, False),
        (4, True),
        (5, False),
        (6, False),
        (8, True),
        (9, True),
        (10, True),
        (11, False),
    ],
)
def test_no_record_lacks_a_step(tmp_path, step, expected):
    """Records after steps 4, 8 and 12, validations after 6 and 12, a look after the 7th."""
    deferring = make(tmp_path, True, Fixed()).deferring
    deferring.analyzer = unchecked(SimpleNamespace(is_due=lambda number: number == 7))
    assert deferring.allows(replace(AT, step=step), 1.0) is expected
    assert not deferring.allows(replace(AT, step=step), float("nan"))  # nothing was read yet


def test_the_last_step_is_read_at_once(tmp_path):
    deferring = make(tmp_path, True, Fixed(), max_steps=11).deferring
    assert [deferring.allows(replace(AT, step=step), 1.0) for step in (9, 10)] == [True, False]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (TemperatureSampling(), [True, True, True]),
        (PiKE(interval=3), [True, False, True]),
        (ODM(), [False, False, False]),
        (SlowODM(), [False, False, False]),
        (DevLoss(), [True, True, True]),
    ],
    ids=["temperature", "pike", "odm", "slow_odm", "dev_loss"],
)
def test_samplers(tmp_path, method, expected):
    deferring = make(tmp_path, True, Fixed(), log_every=100, validate_every=100, max_steps=100).deferring
    deferring.sampler = Sampler(method, {"en-az": 1, "en-fr": 2})
    found = [deferring.allows(replace(AT, step=step), 1.0) for step in (1, 2, 3)]
    assert found == expected
