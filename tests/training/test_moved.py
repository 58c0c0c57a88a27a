"""A run's folder that is renamed, removed or replaced while it trains."""

import shutil
from pathlib import Path

import pytest

from catscale.errors import CatscaleError
from catscale.system.writing.places import working_in
from catscale.training.records.metrics_file import read_metrics
from catscale.training.trainer import Trainer
from tests.training import test_trainer as toy


def train_while(monkeypatch: pytest.MonkeyPatch, folder: Path, change, **settings: object) -> Trainer:
    """Train four steps; `change` happens in the third one."""
    toy.scores(monkeypatch, [4, 3, 2, 1], [4, 3, 2, 1])
    trainer = toy.make(folder, max_steps=4, **settings)
    take = trainer.stream.take

    def taking(step: int) -> dict:
        if step == 3:
            change()
        return take(step)

    monkeypatch.setattr(trainer.stream, "take", taking)
    with working_in(folder):
        trainer.fit()
    return trainer


@pytest.mark.parametrize("every", [1, 100])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_is_renamed_keeps_all_that_was_trained(tmp_path, monkeypatch, every, replaced):
    folder, there = tmp_path / "run", tmp_path / "elsewhere" / "renamed"
    folder.mkdir()
    there.parent.mkdir()

    def rename() -> None:
        folder.rename(there)
        if replaced:
            folder.mkdir()

    message = rf"run was renamed to {there} while it trained, .* step 3; the state is saved there: give --out {there}"
    with pytest.raises(CatscaleError, match=message) as caught:
        train_while(monkeypatch, folder, rename, validate_every=every)
    assert caught.value.exit_status == 2
    assert (there / "checkpoints" / "step-3").is_dir()
    assert folder.exists() == replaced
    assert not replaced or not list(folder.iterdir())
    toy.scores(monkeypatch, [1], [1])
    assert toy.make(there, max_steps=4, validate_every=every).fit().step == 4
    steps = [record["step"] for record in read_metrics(there / "metrics.jsonl") if record["kind"] == "train"]
    assert steps == [1, 2, 3, 4]


def test_a_folder_that_is_renamed_in_the_last_step_is_told_too(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    toy.scores(monkeypatch, [1], [1])
    trainer = toy.make(tmp_path / "run", max_steps=1)
    take = trainer.stream.take
    monkeypatch.setattr(
        trainer.stream, "take", lambda step: ((tmp_path / "run").rename(tmp_path / "new"), take(step))[1]
    )
    with working_in(tmp_path / "run"), pytest.raises(CatscaleError, match="was renamed to"):
        trainer.fit()
    assert (tmp_path / "new" / "checkpoints" / "step-1").is_dir()
    assert (tmp_path / "new" / "best").is_dir()


def test_a_folder_that_is_removed_is_not_made_again(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    with pytest.raises(CatscaleError, match=r"run was renamed, removed or replaced while .*, and is gone"):
        train_while(monkeypatch, tmp_path / "run", lambda: shutil.rmtree(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
