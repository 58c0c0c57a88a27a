"""An interrupted run, continued, is the uninterrupted run."""

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from catscale.balancing import METHODS as BALANCING
from catscale.cli.main import main
from tests.cli.toy import write_config
from tests.forked import running
from tests.run_records import assert_same_run, metrics

METHODS: dict[str, Any] = {"fixed": {"method": "fixed"}, "cats": {"method": "cats", "inner_steps": 3}}
MEASURING = ["cats"]
"""Where the method does not matter: its checkpoints hold all that the other's do, and its steps are of both kinds."""
SLOW = """
import sys, time
from catscale.training.trainer import Trainer
step = Trainer.step
def slow(self):
    step(self)
    time.sleep(0.3)
Trainer.step = slow
from catscale.balancing import METHODS as BALANCING
from catscale.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module", params=METHODS)
def whole(request, tmp_path_factory, corpus, store) -> tuple[Path, Path]:
    """A configuration and its uninterrupted run."""
    root = tmp_path_factory.mktemp(request.param)
    config = write_config(root / "toy.yaml", corpus, store, balancing=METHODS[request.param])
    assert main(["train", str(config), "--out", str(root / "run")]) == 0
    return config, root / "run"


def test_the_uninterrupted_run_is_complete(whole):
    config, run = whole
    found = [(r["kind"], r["step"]) for r in metrics(run) if r["kind"] != "balance"]
    assert found == [("train", 5), ("valid", 8), ("train", 10), ("train", 15), ("valid", 16), ("train", 20),
                     ("valid", 24)]  # fmt: skip
    balance = [r["step"] for r in metrics(run) if r["kind"] == "balance"]
    method = yaml.safe_load(config.read_text())["balancing"]
    assert balance == ([3, 6, 9, 12, 15, 18, 21, 24] if method["method"] == "cats" else [])
    assert {p.name for p in (run / "checkpoints").iterdir()} == {"step-16", "step-24"}


EVERY: dict[str, Any] = {name: {"method": name} for name in sorted(BALANCING)}
EVERY["cats, Adam's metric"] = {"method": "cats", "metric": "adam", "inner_steps": 2, "alpha_lr": 0.3}


@pytest.mark.slow
@pytest.mark.parametrize("balancing", EVERY.values(), ids=EVERY)
def test_every_method_continues_bit_for_bit(balancing, cli, corpus, store, stop_at, tmp_path):
    config = write_config(tmp_path / "toy.yaml", corpus, store, balancing=balancing)
    assert cli("train", config, "--out", tmp_path / "whole").status == 0
    for step in (5, 14):
        stop_at(step)
        assert cli("train", config, "--out", tmp_path / "run").status == 130
    stop_at(None)
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    assert_same_run(tmp_path / "run", tmp_path / "whole")


def test_interrupted_again_and_again(whole, cli, stop_at, tmp_path):
    """Inside a log window, before, at and after a validation, at a record, and in the middle of CATS' inner steps."""
    config, expected = whole
    for step in (3, 7, 8, 9, 10, 17):
        stop_at(step, signal.SIGINT if step == 9 else signal.SIGTERM)
        done = cli("train", config, "--out", tmp_path / "run")
        assert done.status == 130
        assert done.message == f"interrupted at step {step}; the state is saved, the same command continues\n"
        assert (tmp_path / "run" / "checkpoints" / f"step-{step}").is_dir()
    stop_at(None)
    done = cli("train", config, "--out", tmp_path / "run")
    assert done.status == 0
    assert "continuing at step 17" in done.err
    assert_same_run(tmp_path / "run", expected)


def test_crashes_lose_only_what_follows_the_checkpoint(whole, cli, stop_at, tmp_path):
    config, expected = whole
    for step in (6, 13, 23):
        stop_at(step, RuntimeError)
        with pytest.raises(RuntimeError, match="a crash"):
            cli("train", config, "--out", tmp_path / "run")
    stop_at(None)
    done = cli("train", config, "--out", tmp_path / "run")
    assert "continuing at step 16" in done.err
    assert_same_run(tmp_path / "run", expected)


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
def test_a_signal_from_outside(whole, cli, tmp_path):
    config, expected = whole
    with running(SLOW, "train", config, "--out", tmp_path / "run") as program:
        log, deadline = tmp_path / "run" / "metrics.jsonl", time.monotonic() + 200
        while not (log.exists() and log.stat().st_size) and program.is_running and time.monotonic() < deadline:
            time.sleep(0.05)
        program.send(signal.SIGTERM)
        ended = program.finish(60)
    assert ended.status == 130, ended.err
    assert "the state is saved" in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    assert_same_run(tmp_path / "run", expected)


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
def test_again_after_the_end_changes_nothing(whole, cli, tmp_path):
    config, expected = whole
    run = shutil.copytree(expected, tmp_path / "run")
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    done = cli("train", config, "--out", run)
    assert done.status == 0
    assert "finished at step 24" in done.err
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
def test_a_visit_that_trains_nothing_leaves_the_environment_alone(whole, cli, tmp_path, monkeypatch):
    config, expected = whole
    run = shutil.copytree(expected, tmp_path / "run")
    before = (run / "environment.json").read_bytes()
    monkeypatch.setattr("catscale.run.folder.run_folder.source_commit", lambda: "another")
    assert cli("train", config, "--out", run).status == 0
    assert (run / "environment.json").read_bytes() == before
    assert cli("train", config, "--out", run, "--set", "training.max_steps=25").status == 0
    environment = json.loads((run / "environment.json").read_text())
    assert environment.pop("continued_by") == [{"step": 24, "commit": "another"}]
    assert environment == json.loads(before)


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
def test_max_steps_may_be_raised(whole, cli, tmp_path):
    config, expected = whole
    run = tmp_path / "run"
    assert cli("train", config, "--out", run, "--set", "training.max_steps=16").status == 0
    assert cli("train", config, "--out", run).status == 0
    assert_same_run(run, expected)
    assert yaml.safe_load((run / "config.yaml").read_text())["training"]["max_steps"] == 24


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
def test_a_smaller_budget_takes_no_step(whole, cli, stop_at, tmp_path):
    config, _ = whole
    stop_at(11)
    assert cli("train", config, "--out", tmp_path / "run").status == 130
    stop_at(None)
    done = cli("train", config, "--out", tmp_path / "run", "--set", "training.max_steps=10")
    assert done.status == 0
    assert "finished at step 11" in done.err
    assert metrics(tmp_path / "run")[-1]["kind"] == "valid"
    assert metrics(tmp_path / "run")[-1]["step"] == 11


def damage(checkpoint: Path, how: str) -> None:
    if how == "truncated":
        os.truncate(checkpoint / "model.safetensors", 1000)
    elif how == "flipped":
        content = bytearray((checkpoint / "state.safetensors").read_bytes())
        content[-5] ^= 1
        (checkpoint / "state.safetensors").write_bytes(content)
    elif how == "no manifest":
        (checkpoint / "manifest.json").unlink()
    else:
        shutil.rmtree(checkpoint)
        checkpoint.mkdir()


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
@pytest.mark.parametrize("how", ["truncated", "flipped", "no manifest", "empty"])
def test_the_checkpoint_before_a_damaged_one_is_used(whole, cli, tmp_path, how):
    config, expected = whole
    run = shutil.copytree(expected, tmp_path / "run")
    damage(run / "checkpoints" / "step-24", how)
    done = cli("train", config, "--out", run)
    assert done.status == 0
    assert f"{run / 'checkpoints' / 'step-24'} is damaged" in done.err
    assert "the checkpoint before it is used" in done.err
    assert "continuing at step 16" in done.err
    assert_same_run(run, expected)


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
def test_a_damaged_checkpoint_is_not_kept_for_a_good_one(whole, cli, stop_at, tmp_path):
    config, expected = whole
    run = shutil.copytree(expected, tmp_path / "run")
    damage(run / "checkpoints" / "step-24", "truncated")
    stop_at(18)
    assert cli("train", config, "--out", run, "--set", "training.keep=1").status == 130
    assert [p.name for p in (run / "checkpoints").iterdir()] == ["step-18"]
    stop_at(None)
    assert cli("train", config, "--out", run).status == 0
    assert_same_run(run, expected)


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
def test_all_checkpoints_damaged(whole, cli, tmp_path):
    config, expected = whole
    run = shutil.copytree(expected, tmp_path / "run")
    for checkpoint in (run / "checkpoints").iterdir():
        damage(checkpoint, "truncated")
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    done = cli("train", config, "--out", run)
    assert done.status == 2
    assert "no usable checkpoint in" in done.message
    assert "step-16" in done.message
    assert "step-24" in done.message
    assert "before it is used" not in done.err
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
def test_the_folder_of_another_configuration(whole, cli):
    config, run = whole
    before = (run / "config.yaml").read_bytes()
    done = cli("train", config, "--out", run, "--set", "training.seed=7", "--set", "model.dropout=0.2")
    assert done.status == 2
    assert f"{run} holds a run of another configuration:" in done.message
    assert "training.seed: 1 there, 7 now" in done.message
    assert "model.dropout: 0.1 there, 0.2 now" in done.message
    assert "width" not in done.message
    assert (run / "config.yaml").read_bytes() == before


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
def test_changed_data_are_not_taken_for_the_same_run(whole, cli, corpus, tmp_path):
    config, _ = whole
    changed = shutil.copytree(corpus, tmp_path / "corpus")
    content = yaml.safe_load(config.read_text())
    content["data"] |= {"path": str(changed), "store": str(tmp_path / "store")}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(content))
    done = cli("train", tmp_path / "c.yaml", "--out", tmp_path / "run", "--set", "training.max_steps=8")
    assert done.status == 0
    before = {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    path = changed / "en-xa" / "train.en"
    path.write_text(path.read_text().replace("cat", "zyxwv"))
    done = cli("train", tmp_path / "c.yaml", "--out", tmp_path / "run")
    assert done.status == 2
    assert "the data have changed since the run" in done.message
    assert {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()} == before
    assert cli("evaluate", tmp_path / "run").status == 0  # from the store that it was trained on
    shutil.rmtree(tmp_path / "store")
    done = cli("evaluate", tmp_path / "run")
    assert done.status == 2
    assert "they give another vocabulary than the model's" in done.message


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
@pytest.mark.parametrize("content", ["a: 1\n", "[1]\n", "{a: [", ""])
def test_a_folder_with_a_strange_config(whole, cli, tmp_path, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text(content)
    done = cli("train", whole[0], "--out", tmp_path / "run")
    assert done.status == 2
    assert "config.yaml" in done.message or "is not a run's folder" in done.message
    assert (tmp_path / "run" / "config.yaml").read_text() == content


@pytest.mark.parametrize("whole", MEASURING, indirect=True)
def test_a_folder_that_is_no_run(whole, cli, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").touch()
    done = cli("train", whole[0], "--out", tmp_path / "run")
    assert done.status == 2
    assert "exists and is not a run's folder" in done.message
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["thesis.tex"]
