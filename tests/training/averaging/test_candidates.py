"""Averages in the loop: what they are the mean of, which model is chosen, and what a kill may interrupt."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from catscale.errors import CheckpointError
from catscale.training import validation
from catscale.training.averaging import candidates
from catscale.training.averaging.recent import list_recent
from catscale.training.checkpointing import storage
from catscale.training.checkpointing.best_step import read_average, read_step
from catscale.training.records.metrics_file import read_metrics
from catscale.training.trainer import Trainer
from tests.training.test_trainer import fresh_model, make

BOTH: dict[str, Any] = {"average": {"last": 3, "ema": 0.5}, "keep": 9}


def give_scores(monkeypatch: pytest.MonkeyPatch, *values: float) -> None:
    """The validation NLLs of the coming measurements: single, last, ema, as far as there are such."""
    left = iter(values)
    monkeypatch.setattr(validation, "measure_nll", lambda *arguments: dict.fromkeys(("en-az", "en-fr"), next(left)))


def by_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    """NLLs that follow from the parameters alone: the farther from the first ones, the better."""
    first = [parameter.detach().clone() for parameter in fresh_model().parameters()]

    def measure(model: torch.nn.Module, *arguments: object) -> dict[str, float]:
        moved = sum(
            float((p.detach() - f).double().abs().sum()) for p, f in zip(model.parameters(), first, strict=True)
        )
        return dict.fromkeys(("en-az", "en-fr"), 9 - moved / 1000)

    monkeypatch.setattr(validation, "measure_nll", measure)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def model_of(run: Path, step: int) -> dict[str, torch.Tensor]:
    return weights(run / "checkpoints" / f"step-{step}")


def valid(run: Path) -> list[dict[str, Any]]:
    return [record for record in read_metrics(run / "metrics.jsonl") if record["kind"] == "valid"]


def content(run: Path) -> dict[str, bytes]:
    """Everything that a run has left, but for times."""
    files = {path for path in run.rglob("*") if path.is_file() and path.name not in ("metrics.jsonl", "manifest.json")}
    found = {str(path.relative_to(run)): path.read_bytes() for path in files if path.name != "state.json"}
    records = [{k: v for k, v in record.items() if k not in ("time", "tokens_per_second")} for record in
               read_metrics(run / "metrics.jsonl")]  # fmt: skip
    return found | {"metrics": json.dumps(records).encode()}


def test_averages_are_what_they_say_and_the_best_of_all_is_in_best(tmp_path, monkeypatch):
    # step 1: single; step 2 on: single, last, ema
    give_scores(monkeypatch, 9, 8, 5, 6, 7, 4, 6, 6, 3, 6, 6, 9, 1)
    progress = make(tmp_path, max_steps=5, **BOTH).fit()
    models = [model_of(tmp_path, step) for step in range(1, 6)]
    last, ema = weights(tmp_path / "averages" / "last" / "best"), weights(tmp_path / "averages" / "ema" / "best")
    for name in models[0]:
        three = torch.stack([model[name] for model in models[1:4]]).double().mean(0)  # the best of them is of step 4
        assert torch.allclose(last[name].double(), three, atol=1e-6)
        shares = torch.tensor([1, 2, 4, 8, 16], dtype=torch.float64) / 31
        expected = sum(share * model[name].double() for share, model in zip(shares, models, strict=True))
        assert torch.allclose(ema[name].double(), torch.as_tensor(expected), atol=1e-6)
    assert [record["average"].get("last", {}).get("of") for record in valid(tmp_path)] == [None, 2, 3, 3, 3]
    assert [record["average"].get("ema", {}).get("of") for record in valid(tmp_path)] == [None, 2, 3, 4, 5]
    chosen = [(r["best"]["model"], r["best"]["step"], r["best"]["nll"]) for r in valid(tmp_path)]
    assert chosen == [("single", 1, 9), ("last", 2, 5), ("last", 3, 4), ("last", 4, 3), ("ema", 5, 1)]
    assert (progress.best, progress.best_step) == (6, 4)  # of single models, as without averages
    assert weights(tmp_path / "best").keys() == weights(tmp_path / "averages" / "ema" / "best").keys()
    assert (read_step(tmp_path / "best"), read_average(tmp_path / "best")) == (5, "EMA 0.5")
    single = tmp_path / "averages" / "single" / "best"
    assert (read_step(single), read_average(single)) == (4, None)
    assert all(torch.equal(value, model_of(tmp_path, 4)[name]) for name, value in weights(single).items())


def test_training_is_what_it_is_without(tmp_path, monkeypatch):
    by_distance(monkeypatch)
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    make(tmp_path / "with", max_steps=4, patience=2, **BOTH).fit()
    make(tmp_path / "without", max_steps=4, patience=2, keep=9).fit()
    for step in range(1, 5):
        one, two = (model_of(tmp_path / run, step) for run in RUNS)
        assert all(torch.equal(one[name], two[name]) for name in two)
    kept = [[[r[key] for key in ("step", "nll", "mean", "tokens")] for r in valid(tmp_path / run)] for run in RUNS]
    assert kept[0] == kept[1]
    assert not (tmp_path / "without" / "averages").exists()


def test_patience_counts_single_models(tmp_path, monkeypatch):
    give_scores(monkeypatch, 5, 6, 4, 7, 3)
    assert make(tmp_path, max_steps=9, patience=2, average={"last": 2}).fit().step == 3


def test_an_average_that_is_not_finite_is_not_chosen(tmp_path, monkeypatch):
    give_scores(monkeypatch, 5, 6, float("nan"), 7, float("inf"))
    make(tmp_path, max_steps=3, average={"last": 2}).fit()
    assert valid(tmp_path)[1]["average"]["last"]["mean"] is None
    assert valid(tmp_path)[-1]["best"] == {"model": "single", "step": 1, "nll": 5}


RUNS = ("with", "without")


class Killed(BaseException):
    """What a kill is: nothing catches it."""


PLACES: list[tuple[Any, str, bool]] = [
    (storage.RunStorage, "write_model", False),
    (storage.RunStorage, "write_model", True),
    (candidates, "new_folder", False),
    (candidates, "keep_recent", True),
]


@pytest.mark.parametrize(("place", "name", "after"), PLACES, ids=[f"{name} {after}" for _, name, after in PLACES])
def test_a_kill_loses_nothing(whole, tmp_path, monkeypatch, place, name, after):
    """Before or after any write of a validation; the continued run leaves what the undisturbed one does."""
    by_distance(monkeypatch)
    real = getattr(place, name)
    state: dict[str, Any] = {}

    def deadly(*arguments: Any, **named: Any) -> Any:
        is_now = state["trainer"].progress.step == 3
        if is_now and not after:
            raise Killed
        found = real(*arguments, **named)
        if is_now:
            raise Killed
        return found

    (tmp_path / "run").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(place, name, deadly)
        state["trainer"] = make(tmp_path / "run", max_steps=4, **BOTH)
        with pytest.raises(Killed):
            state["trainer"].fit()
    said: list[str] = []
    continue_run(tmp_path / "run", said)
    assert content(tmp_path / "run") == whole
    assert said == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    run = tmp_path_factory.mktemp("averages")
    with pytest.MonkeyPatch.context() as patch:
        by_distance(patch)
        make(run, max_steps=4, **BOTH).fit()
    return content(run)


def continue_run(run: Path, said: list[str], **settings: Any) -> Trainer:
    trainer = make(run, **{"max_steps": 4, **BOTH, **settings})
    object.__setattr__(trainer.setup, "say", said.append)
    trainer.storage.warn = said.append
    if trainer.candidates is not None:
        trainer.candidates.warn = said.append
    trainer.fit()
    return trainer


def test_a_moving_average_alone_keeps_no_models_of_validations(tmp_path, monkeypatch):
    by_distance(monkeypatch)
    alone: dict[str, Any] = {"average": {"ema": 0.5}, "keep": 9}
    for run, steps in (("whole", 4), ("run", 2)):
        (tmp_path / run).mkdir()
        make(tmp_path / run, max_steps=steps, **alone).fit()
    said: list[str] = []
    continue_run(tmp_path / "run", said, **alone)
    assert said == []
    assert content(tmp_path / "run") == content(tmp_path / "whole")
    assert sorted(path.name for path in (tmp_path / "run" / "averages").iterdir()) == ["ema", "single"]


def test_a_damaged_candidate_of_the_present_step_is_made_anew(tmp_path, monkeypatch):
    by_distance(monkeypatch)
    make(tmp_path, max_steps=3, average={"last": 2}).fit()
    assert [path.name for path in list_recent(tmp_path, 3, 9)] == ["step-1", "step-2"]
    place = tmp_path / "averages" / "last" / "best"
    before = (place / "model.safetensors").read_bytes()
    (place / "model.safetensors").unlink()
    make(tmp_path, max_steps=3, average={"last": 2}).start()
    assert (place / "model.safetensors").read_bytes() == before


def test_what_is_damaged_is_told_and_passed_over(tmp_path, monkeypatch):
    by_distance(monkeypatch)
    make(tmp_path, max_steps=3, **BOTH).fit()
    (tmp_path / "averages" / "recent" / "step-2" / "model.safetensors").unlink()
    for kind in ("single", "last", "ema"):
        (tmp_path / "averages" / kind / "best" / "config.json").write_text("{}")
    said: list[str] = []
    continue_run(tmp_path, said, max_steps=4)
    assert [line for line in said if "step-2 is damaged" in line and "goes without it" in line]
    assert not [line for line in said if "what it was made from is not kept" in line]  # step 3 is here to make it anew
    assert [path.name for path in list_recent(tmp_path, 9, 9)] == ["step-1", "step-3", "step-4"]


def test_a_damaged_candidate_of_an_earlier_step(tmp_path, monkeypatch):
    give_scores(monkeypatch, 1, 2, 3)
    make(tmp_path, max_steps=2, average={"last": 2}).fit()
    (tmp_path / "averages" / "single" / "best" / "config.json").write_text("{}")
    said: list[str] = []
    continue_run(tmp_path, said, max_steps=2, average={"last": 2})
    (line,) = said
    assert "averages/single/best is damaged, or not of step 1, and what it was made from is not kept" in line


def test_models_of_a_future_that_was_undone_take_no_part(tmp_path, monkeypatch):
    by_distance(monkeypatch)
    make(tmp_path, max_steps=4, **BOTH).fit()
    for step in (3, 4):
        shutil.rmtree(tmp_path / "checkpoints" / f"step-{step}")
    assert [path.name for path in list_recent(tmp_path, 9, 9)] == ["step-1", "step-2", "step-3", "step-4"]
    trainer = make(tmp_path, max_steps=4, **BOTH)
    trainer.start()
    assert [path.name for path in list_recent(tmp_path, 9, 9)] == ["step-1", "step-2"]


def test_a_kept_model_that_cannot_be_read(tmp_path, monkeypatch):
    by_distance(monkeypatch)
    trainer = make(tmp_path, max_steps=2, **BOTH)
    trainer.fit()
    before = [parameter.detach().clone() for parameter in trainer.parameters]
    (tmp_path / "averages" / "recent" / "step-2" / "model.safetensors").unlink()
    (tmp_path / "averages" / "recent" / "step-2" / "model.safetensors").write_bytes(b"no tensors")
    assert trainer.averages is not None
    with (
        pytest.raises(CheckpointError, match=r"a model of .*recent cannot be read .*; remove that folder"),
        trainer.averages.standing_in("last", tmp_path, 3),
    ):
        pass
    assert all(torch.equal(one, two) for one, two in zip(before, trainer.parameters, strict=True))
