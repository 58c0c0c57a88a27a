"""Runs that skip steps, killed and continued, on one process and on two."""

import os
import subprocess
from pathlib import Path

import pytest

from catscale.cli.main import main
from catscale.training.trainer import Trainer
from tests.faults.same import assert_same_run
from tests.run_records import metrics
from tests.torchrun import torchrun_command

SPOILED = """
import os, sys
from catscale.training.step_losses import LossBuilder
build = LossBuilder.build
def spoiled(self, batches, *given):
    prepared = build(self, batches, *given)
    self.step = getattr(self, "step", int(os.environ.get("START", "0"))) + 1
    if self.step in (2, 3, 5) and os.environ.get("RANK", "0") == "0":
        task = sorted(prepared.losses)[0]
        prepared.losses[task] = [lambda part=part: part() * float("nan") for part in prepared.losses[task]]
    return prepared
LossBuilder.build = spoiled
if __name__ == "__main__":
    from catscale.cli.main import main
    sys.exit(main(sys.argv[1:]))
"""
SKIP = ("--set", "training.on_nonfinite=skip", "--set", "training.max_skipped=2")


@pytest.fixture
def spoiled(monkeypatch):
    """A loss of steps 2, 3 and 5 is not a number."""
    step = Trainer.step

    def nan_step(self: Trainer) -> None:
        if self.progress.step + 1 in (2, 3, 5):
            parameter = self.parameters[0]
            hook = parameter.register_hook(lambda g: g * float("nan"))
            step(self)
            hook.remove()
        else:
            step(self)

    monkeypatch.setattr(Trainer, "step", nan_step)


def test_a_run_that_skips_is_the_same_after_a_crash(config, tmp_path, monkeypatch, spoiled, capsys):
    command = ["train", str(config), *SKIP, "--out"]
    assert main([*command, str(tmp_path / "whole")]) == 0
    said = capsys.readouterr().err
    assert "step 3: the gradient of task 'en-xa' must be finite, found " in said
    assert "; skipped, 2 in a row, 2 in all" in said
    step = Trainer.step

    def crash(self: Trainer) -> None:
        step(self)
        if self.progress.step in (3, 5):
            raise RuntimeError("a crash")

    for _ in range(2):  # before and after the first checkpoint; the steps that were skipped are skipped again
        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "step", crash)
            with pytest.raises(RuntimeError, match="a crash"):
                main([*command, str(tmp_path / "run")])
    assert main([*command, str(tmp_path / "run")]) == 0
    assert_same_run(tmp_path / "run", tmp_path / "whole")
    skipped = [(r["step"], r["total"]) for r in metrics(tmp_path / "run") if r["kind"] == "skip"]
    assert skipped == [(2, 1), (3, 2), (5, 3)]


def test_a_run_that_stopped_may_go_on_skipping(config, tmp_path, spoiled, capsys):
    run = str(tmp_path / "run")
    assert main(["train", str(config), "--out", run]) == 3
    assert "catscale: step 2: the gradient of task 'en-xa' must be finite" in capsys.readouterr().err
    assert main(["train", str(config), "--out", run, "--set", "training.on_nonfinite=skip"]) == 0


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_two_processes_skip_alike(config, tmp_path, record):
    """The loss of one of them is not a number: both pass over the step, or they would wait for ever."""
    script, run = tmp_path / "spoiled.py", tmp_path / "run"
    script.write_text(SPOILED)

    def train(folder: Path, start: int, *more: str) -> str:
        command = torchrun_command(2, script, "train", config, *SKIP, *more, "--out", folder)
        environment = os.environ | {"OMP_NUM_THREADS": "1", "START": str(start)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    assert train(run, 0).count("; skipped, ") == 3
    parts = tmp_path / "parts"
    train(parts, 0, "--set", "training.max_steps=4")
    train(parts, 4)
    assert metrics(parts) == metrics(run)
    for name in ("model.safetensors", "state.safetensors"):
        found, expected = (folder / "checkpoints" / "step-6" / name for folder in (parts, run))
        assert found.read_bytes() == expected.read_bytes()
    record("two processes, three steps of one of them not finite", 3, "both skipped them; continued, the same run")
