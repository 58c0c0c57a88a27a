"""Optimisers through the command line: late SAM, interruptions, processes, old settings and checkpoints."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from catscale.balancing import METHODS
from catscale.errors import DivergedError
from catscale.system.writing.manifest import write_manifest
from catscale.training.descent import StepDescent
from catscale.training.trainer import Trainer
from tests.cli.conftest import Cli
from tests.cli.test_ranks import train
from tests.cli.toy import write_config
from tests.ranks import run_ranks
from tests.run_records import assert_same_run, metrics

SAM = {"method": "sam", "rho": 0.2, "from": 0.5, "learning_rate": 0.01, "warmup_steps": 10}


def stop_after(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Make the coming training end with an error after a step."""
    real = Trainer.step

    def patched(self: Trainer) -> None:
        real(self)
        if self.progress.step == step:
            raise RuntimeError("a crash")

    monkeypatch.setattr(Trainer, "step", patched)


def parameters(run: Path, step: int = 24) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(run / "checkpoints" / f"step-{step}" / "model.safetensors")
    return found


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return all(one[name].equal(two[name]) for name in one)


def test_sam_is_adamw_until_it_begins_and_continues_bit_for_bit(
    cli: Cli, corpus: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(tmp_path / "toy.yaml", corpus, store, optimizer=SAM, training={"keep": 9})
    plain = write_config(tmp_path / "plain.yaml", corpus, store, training={"keep": 9})
    assert cli("train", config, "--out", tmp_path / "whole").status == 0
    assert cli("train", plain, "--out", tmp_path / "plain").status == 0
    assert same(parameters(tmp_path / "whole", 8), parameters(tmp_path / "plain", 8))
    assert not same(parameters(tmp_path / "whole", 16), parameters(tmp_path / "plain", 16))
    random = [load_file(tmp_path / run / "checkpoints/step-24/state.safetensors") for run in ("whole", "plain")]
    assert random[0]["random.0.cpu"].equal(random[1]["random.0.cpu"])  # dropout drew as often
    for step in (11, 19):
        with monkeypatch.context() as patch:
            stop_after(patch, step)
            with pytest.raises(RuntimeError, match="a crash"):
                cli("train", config, "--out", tmp_path / "run")
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    assert_same_run(tmp_path / "run", tmp_path / "whole")


def test_without_a_radius_sam_is_adamw_bit_for_bit(cli: Cli, corpus: Path, store: Path, tmp_path: Path) -> None:
    """Also with dropout, and with a method that measures: the same masks, the same arithmetic."""
    changes: dict[str, Any] = {"balancing": {"method": "cats", "inner_steps": 3}, "training": {"max_steps": 8}}
    still = SAM | {"rho": 0.0, "from": 0.0}
    for name, optimizer in (("sam", still), ("adamw", {"method": "adamw", "learning_rate": 0.01, "warmup_steps": 10})):
        config = write_config(tmp_path / f"{name}.yaml", corpus, store, optimizer=optimizer, **changes)
        assert cli("train", config, "--out", tmp_path / name).status == 0
    assert metrics(tmp_path / "sam") == metrics(tmp_path / "adamw")
    assert same(parameters(tmp_path / "sam", 8), parameters(tmp_path / "adamw", 8))


LATE: dict[str, dict[str, Any]] = {
    "looksam": {"every": 3},
    "flat": {"rho": 0.2},
    "samo": {"rho": 0.1},
    "lagrangian": {"multiplier": 0.1},
    "sam_repeated": {"rho": 0.2, "over_epochs": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LATE)
def test_a_late_optimiser_is_adamw_until_it_begins_and_continues_bit_for_bit(
    name: str, cli: Cli, corpus: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    optimizer = {"method": name, "from": 0.5, "learning_rate": 0.01, "warmup_steps": 10} | LATE[name]
    config = write_config(tmp_path / "toy.yaml", corpus, store, optimizer=optimizer, training={"keep": 9})
    plain = write_config(tmp_path / "plain.yaml", corpus, store, training={"keep": 9})
    assert cli("train", config, "--out", tmp_path / "whole").status == 0
    assert cli("train", plain, "--out", tmp_path / "plain").status == 0
    assert same(parameters(tmp_path / "whole", 8), parameters(tmp_path / "plain", 8))
    assert not same(parameters(tmp_path / "whole", 24), parameters(tmp_path / "plain", 24))
    random = [load_file(tmp_path / run / "checkpoints/step-24/state.safetensors") for run in ("whole", "plain")]
    assert random[0]["random.0.cpu"].equal(random[1]["random.0.cpu"])  # dropout drew as often
    with monkeypatch.context() as patch:
        stop_after(patch, 19)
        with pytest.raises(RuntimeError, match="a crash"):
            cli("train", config, "--out", tmp_path / "run")
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    assert_same_run(tmp_path / "run", tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"modo", "sdmgrad"}))
def test_flat_works_with_every_method_of_whole_gradients(
    method: str, cli: Cli, corpus: Path, store: Path, tmp_path: Path
) -> None:
    optimizer = SAM | {"method": "flat", "from": 0.0}
    config = write_config(
        tmp_path / "toy.yaml",
        corpus,
        store,
        balancing={"method": method},
        optimizer=optimizer,
        training={"max_steps": 8},
    )
    assert cli("train", config, "--out", tmp_path / "run").status == 0


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(METHODS))
def test_sam_works_with_every_method(method: str, cli: Cli, corpus: Path, store: Path, tmp_path: Path) -> None:
    config = write_config(
        tmp_path / "toy.yaml", corpus, store, balancing={"method": method}, optimizer=SAM, training={"max_steps": 8}
    )
    assert cli("train", config, "--out", tmp_path / "run").status == 0


def test_a_second_descent_that_fails_is_passed_over(
    cli: Cli, corpus: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parameters are where they were, and training goes on."""
    config = write_config(tmp_path / "toy.yaml", corpus, store, optimizer=SAM, training={"on_nonfinite": "skip"})
    real, seen = StepDescent.repeat, []

    def fail_once(self: StepDescent) -> None:
        real(self)
        seen.append([p.detach().clone() for p in self.balancer.parameters])
        if len(seen) == 2:
            raise DivergedError("the loss of task en-xa must be finite, found inf", "loss", "en-xa")

    monkeypatch.setattr(StepDescent, "repeat", fail_once)
    done = cli("train", config, "--out", tmp_path / "run")
    assert done.status == 0
    assert "step 14: the loss of task en-xa must be finite, found inf; skipped, 1 in a row, 1 in all" in done.err
    assert [r["step"] for r in metrics(tmp_path / "run") if r["kind"] == "skip"] == [14]
    assert len(seen) == 12


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flat", "samo"])
@pytest.mark.parametrize("method", ["fixed", "mgda"])
def test_two_processes_look_at_tasks_as_one(
    name: str, method: str, cli: Cli, corpus: Path, store: Path, tmp_path: Path
) -> None:
    """Each task climbs along its gradient of both together."""
    optimizer = {"method": name, "rho": 0.2, "from": 0.0, "learning_rate": 0.01, "warmup_steps": 10}
    config = write_config(
        tmp_path / "toy.yaml",
        corpus,
        store,
        optimizer=optimizer,
        balancing={"method": method},
        model={"dropout": 0.0},
        training={"max_steps": 8, "log_every": 1},
    )
    assert cli("train", config, "--out", tmp_path / "one").status == 0
    both = train(config, tmp_path / "two")
    ended = run_ranks(both, both)
    assert [one.status for one in ended] == [0, 0], ended
    one, two = ([r["loss"] for r in metrics(tmp_path / run) if r["kind"] == "train"] for run in ("one", "two"))
    assert two == pytest.approx(one, rel=1e-4)


@pytest.mark.parametrize("sharded", [pytest.param(False, marks=pytest.mark.slow), True], ids=["whole", "sharded"])
def test_two_processes_train_as_one(sharded: bool, cli: Cli, corpus: Path, store: Path, tmp_path: Path) -> None:
    """The climb follows the gradient of both together."""
    optimizer = SAM | {"from": 0.0}
    config = write_config(
        tmp_path / "toy.yaml",
        corpus,
        store,
        optimizer=optimizer,
        model={"dropout": 0.0},
        training={"max_steps": 8, "log_every": 1},
    )
    assert cli("train", config, "--out", tmp_path / "one").status == 0
    both = train(config, tmp_path / "two", f"training.sharded={str(sharded).lower()}")
    ended = run_ranks(both, both)
    assert [one.status for one in ended] == [0, 0], ended
    one, two = ([r["loss"] for r in metrics(tmp_path / run) if r["kind"] == "train"] for run in ("one", "two"))
    assert len(one) == 8
    assert two == pytest.approx(one, rel=1e-4)


def test_a_schedule_that_ends_keeps_the_length_that_it_began_with(
    cli: Cli, corpus: Path, store: Path, tmp_path: Path
) -> None:
    optimizer = {"method": "adamw", "schedule": "cosine", "learning_rate": 0.01, "warmup_steps": 4}
    config = write_config(tmp_path / "toy.yaml", corpus, store, optimizer=optimizer)
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    rates = {r["step"]: r["learning_rate"] for r in metrics(tmp_path / "run") if r["kind"] == "train"}
    assert rates[20] == pytest.approx(0.01 * (1 + torch.cos(torch.tensor(torch.pi * 16 / 21)).item()) / 2)
    longer = ("train", config, "--out", tmp_path / "run", "--set", "training.max_steps=32")
    done = cli(*longer)
    assert done.status == 2
    assert "optimizer.total_steps: 24 there, 32 now" in done.message
    done = cli(*longer, "--set", "optimizer.total_steps=24")
    assert done.status == 0
    assert "the learning rate is 0 from there to the end of the training at step 32" in done.err


def write_as_before(run: Path, step: int, old: Path, content: dict[str, Any]) -> None:
    """Write a run's configuration and its checkpoint as version 0.1 did: old keys, state by position."""
    moved = content.pop("optimizer")
    kept = ("learning_rate", "warmup_steps", "betas", "weight_decay", "clip_norm")
    content["training"] |= {key: moved[key] for key in kept} | {"adam_epsilon": moved["epsilon"]}
    old.write_text(yaml.safe_dump(content), encoding="utf-8")
    folder = run / "checkpoints" / f"step-{step}"
    state = json.loads((folder / "state.json").read_text())
    places = {name: str(place) for place, name in enumerate(state["optimizer"])}
    state["optimizer"] = {place: {} for place in places.values()}
    (folder / "state.json").write_text(json.dumps(state))
    tensors = {}
    for key, tensor in load_file(folder / "state.safetensors").items():
        found = re.fullmatch(r"optimizer\.(.+)\.(\w+)", key)
        tensors[f"optimizer.{places[found[1]]}.{found[2]}" if found else key] = tensor
    assert "optimizer.0.exp_avg" in tensors
    save_file(tensors, folder / "state.safetensors")
    write_manifest(folder)


def test_a_run_of_version_0_1_is_continued_evaluated_and_compared_in_silence(
    cli: Cli, corpus: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(tmp_path / "toy.yaml", corpus, store)
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert cli("train", config, "--out", whole).status == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 11)
        with pytest.raises(RuntimeError, match="a crash"):
            cli("train", config, "--out", run)
    write_as_before(run, 8, run / "config.yaml", yaml.safe_load((run / "config.yaml").read_text()))
    old = tmp_path / "old.yaml"
    content = yaml.safe_load(config.read_text())
    content["training"] |= content.pop("optimizer")
    old.write_text(yaml.safe_dump(content))
    done = cli("train", old, "--out", run)
    assert done.status == 0
    assert done.err.count("is now optimizer.") == 2
    assert len([line for line in done.err.splitlines() if "is now optimizer." in line]) == 1
    assert_same_run(run, whole)
    write_as_before(run, 24, run / "config.yaml", yaml.safe_load((run / "config.yaml").read_text()))
    for folder in (run, whole):
        done = cli("evaluate", folder)
        assert done.status == 0
        assert "optimizer" not in done.err
    done = cli("compare", run, whole, "--force", "--out", tmp_path / "out")
    assert done.status == 0
    assert "is now optimizer." not in done.err
    assert len(json.loads((tmp_path / "out" / "comparison.json").read_text())["methods"]) == 1
