"""A training that other stages went before: it counts on from them, and its schedules begin anew."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from catscale.model.m2m100 import M2M100
from catscale.optimisation.adamw import AdamW
from catscale.training.beginning import FROM_NOTHING, Beginning
from catscale.training.records.metrics_file import read_metrics
from catscale.training.state import Progress
from catscale.training.trainer import Trainer
from tests.training.test_trainer import fresh_model, make, scores

RATES = AdamW(learning_rate=0.1, warmup_steps=4)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of a model whose parameters are not those that are drawn."""
    folder, made = tmp_path / "model", fresh_model()
    with torch.no_grad():
        for number, parameter in enumerate(made.parameters()):
            parameter.add_(0.01 * number + 0.01)
    folder.mkdir()
    made.save(folder)
    return folder


def begin(folder: Path, beginning: Beginning, **settings: Any) -> Trainer:
    folder.mkdir(exist_ok=True)
    setup = make(folder, optimizer=RATES, **settings).setup
    return Trainer(replace(setup, beginning=beginning))


def values(trainer: Trainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.model.parameters()])


def test_without_one_it_is_the_first_step_of_all() -> None:
    assert FROM_NOTHING.progress() == Progress()
    assert Progress(step=7).update == 7
    assert Progress(step=7, before=5).update == 2


def test_it_takes_the_model_s_parameters_and_counts_on(tmp_path: Path, model: Path) -> None:
    drawn = begin(tmp_path / "drawn", FROM_NOTHING)
    trainer = begin(tmp_path / "run", Beginning(model, 12, 900, 3.5))
    for each in (drawn, trainer):
        each.start()
    assert not values(trainer).equal(values(drawn))
    assert values(trainer).equal(torch.cat([p.flatten() for p in _load(model)]))
    progress = trainer.progress
    assert (progress.step, progress.tokens, progress.seconds, progress.before, progress.update) == (12, 900, 3.5, 12, 0)


def _load(folder: Path) -> list[torch.Tensor]:
    return [parameter.detach() for parameter in M2M100.load(folder).parameters()]


def test_its_steps_are_those_of_a_training_of_its_own(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit: same parameters, rates and draws, at other numbers and sums of tokens."""
    found = {}
    for name, before in (("alone", 0), ("after", 12)):
        scores(monkeypatch, [3, 2, 1], [3, 2, 1])
        trainer = begin(tmp_path / name, Beginning(model, before, 100 * before), max_steps=before + 3)
        told: list[tuple[int, int]] = []
        monkeypatch.setattr(trainer.model, "at_step", lambda step, steps, told=told: told.append((step, steps)))
        progress = trainer.fit()
        assert (progress.step, progress.best_step, progress.tokens) == (before + 3, before + 3, 100 * before + 27)
        assert told == [(1, 3), (2, 3), (3, 3)]
        records = read_metrics(tmp_path / name / "metrics.jsonl")
        trained = [record for record in records if record["kind"] == "train"]
        assert [record["step"] - before for record in trained] == [1, 2, 3]
        assert [record["learning_rate"] for record in trained] == pytest.approx([0.025, 0.05, 0.075])
        found[name] = values(trainer)
    assert found["alone"].equal(found["after"])


def test_a_checkpoint_goes_on_whatever_it_began_with(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = Beginning(model, 12, 100), tmp_path / "stopped"
    scores(monkeypatch, [3, 2, 1], [3, 2, 1])
    straight = begin(tmp_path / "whole", whole, max_steps=15)
    straight.fit()
    scores(monkeypatch, [3, 2], [3, 2])
    begin(stopped, whole, max_steps=14).fit()
    state = json.loads((stopped / "checkpoints" / "step-14" / "state.json").read_text())
    assert state["progress"]["before"] == 12
    scores(monkeypatch, [1], [1])
    again = begin(stopped, Beginning(steps=12), max_steps=15)
    progress = again.fit()
    assert (progress.step, progress.update, progress.tokens) == (15, 3, 100 + 27)
    assert values(again).equal(values(straight))
