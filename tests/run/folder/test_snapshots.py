"""The models of a run that can be analysed."""

from dataclasses import asdict

import pytest
import torch
from safetensors.torch import save_file

from catscale.errors import CheckpointError
from catscale.run.folder.snapshots import Snapshot, choose_snapshots
from catscale.system.writing.manifest import write_manifest
from catscale.training.checkpointing.best_step import write_step
from catscale.training.checkpointing.checkpoint import save_checkpoint
from catscale.training.state import Progress


def save(run, step, best_step):
    def save_model(target):
        save_file({"weight": torch.full((3,), float(step))}, target / "model.safetensors")

    content = {"progress": asdict(Progress(step=step, best_step=best_step))}
    return save_checkpoint(run / "checkpoints", step, save_model, content, keep=9)


@pytest.fixture
def run(tmp_path):
    """Steps 10, 20 and 30, of which 20 is the best."""
    for step, best_step in ((10, 10), (20, 20), (30, 20)):
        save(tmp_path, step, best_step)
    return tmp_path


def unheard(line: str) -> None:
    raise AssertionError(line)


def test_each_choice(run):
    steps = {
        which: [snapshot.step for snapshot in choose_snapshots(run, which, unheard)]
        for which in ("newest", "best", "all", "10", "010")
    }
    assert steps == {"newest": [30], "best": [20], "all": [10, 20, 30], "10": [10], "010": [10]}
    [own] = choose_snapshots(run, "best", unheard)
    assert own == Snapshot(20, run / "checkpoints" / "step-20", run / "checkpoints" / "step-20")
    assert own.is_own


def test_the_best_is_the_folder_best_where_its_checkpoint_is_not_kept(run):
    (run / "checkpoints" / "step-20" / "state.json").unlink()
    (run / "best").mkdir()
    (run / "best" / "model.safetensors").write_text("a model")
    write_manifest(run / "best")
    [snapshot] = choose_snapshots(run, "best", unheard)
    assert snapshot == Snapshot(20, run / "best", run / "checkpoints" / "step-30")
    assert not snapshot.is_own


def test_damaged_ones_are_passed_over_by_newest_and_said(run):
    (run / "checkpoints" / "step-30" / "state.json").unlink()
    said: list[str] = []
    assert [snapshot.step for snapshot in choose_snapshots(run, "newest", said.append)] == [20]
    assert len(said) == 1
    assert said[0].startswith("warning: ")
    assert "step-30" in said[0]
    for step in (10, 20):
        (run / "checkpoints" / f"step-{step}" / "state.json").unlink()
    with pytest.raises(CheckpointError, match=r"no usable checkpoint in .*checkpoints; wait for the next"):
        choose_snapshots(run, "newest", said.append)


def test_a_step_that_is_not_kept_names_those_that_are(run):
    with pytest.raises(CheckpointError, match=r"no checkpoint of step 15; there are those of 10, 20, 30; choose among"):
        choose_snapshots(run, "15", unheard)


def test_a_run_without_checkpoint_or_validation(tmp_path):
    with pytest.raises(CheckpointError, match=r"has no checkpoint yet, which the first validation writes; run"):
        choose_snapshots(tmp_path, "all", unheard)
    save(tmp_path, 5, 0)
    with pytest.raises(CheckpointError, match=r"has no best step yet, .*; choose newest"):
        choose_snapshots(tmp_path, "best", unheard)


def test_a_best_model_that_is_an_average_is_no_checkpoint(run):
    (run / "best").mkdir()
    save_file({"weight": torch.zeros(3)}, run / "best" / "model.safetensors")
    write_step(run / "best", 20, "last 5")
    write_manifest(run / "best")
    (found,) = choose_snapshots(run, "best", unheard)
    assert (found.step, found.folder, found.checkpoint.name) == (20, run / "best", "step-30")
