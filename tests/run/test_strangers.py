"""A run that came from elsewhere is data: it makes nothing outside of its folder, and reads what it says."""

import json
import os
import shutil

import pytest

from catscale.comparison.translations import read_texts
from catscale.errors import CheckpointError
from catscale.run.folder.best import best_folder
from catscale.run.folder.readback import run_directions
from catscale.training.checkpointing.checkpoint import list_checkpoints


@pytest.fixture
def run(stranger):
    return stranger


def test_its_directions_are_names(run):
    (run / "environment.json").write_text(json.dumps({"train_pairs": {"en-a/../../x": 3}}))
    with pytest.raises(CheckpointError, match=r"environment\.json cannot be read \(train_pairs.*a language's code has"):
        run_directions(run)


def test_no_link_leads_out_of_it(run, tmp_path):
    outside = tmp_path / "outside"
    (outside / "step-3").mkdir(parents=True)
    (outside / "model.safetensors").touch()
    for end in ("src", "ref", "hyp"):
        (outside / f"test.en-xa.{end}").write_text("secret\n")
    (run / "best").symlink_to(outside)
    with pytest.raises(CheckpointError, match=r"best is a symbolic link, which may lead to any model"):
        best_folder(run)
    (run / "translations").symlink_to(outside)
    with pytest.raises(CheckpointError, match=r"en-xa\.src cannot be read \(.*translations is a symbolic link"):
        read_texts(run, "test", "en-xa")
    (run / "translations").unlink()
    shutil.copytree(outside, run / "translations")
    assert read_texts(run, "test", "en-xa").sources == ["secret"]
    (run / "translations" / "test.en-xa.hyp").unlink()
    (run / "translations" / "test.en-xa.hyp").symlink_to(outside / "test.en-xa.hyp")
    with pytest.raises(CheckpointError, match=r"en-xa\.hyp cannot be read \(it is a symbolic link"):
        read_texts(run, "test", "en-xa")
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "step-3").symlink_to(outside / "step-3")
    (run / "checkpoints" / ("step-" + "9" * 5000)[:250]).mkdir()
    assert list_checkpoints(run / "checkpoints") == []
    os.mkfifo(run / "translations" / "dev.en-xa.src")
    with pytest.raises(CheckpointError, match=r"en-xa\.src cannot be read \(it is a pipe"):
        read_texts(run, "dev", "en-xa")
