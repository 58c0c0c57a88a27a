"""A run that came from elsewhere is data: it makes nothing outside of its folder, and reads what it says."""

import json
import os
import shutil

import pytest

from catscale.comparison.translations import read_texts
from catscale.errors import CatscaleError, CheckpointError
from catscale.run.config import dump_config, load_config
from catscale.run.folder.best import best_folder
from catscale.run.folder.own_store import PREPARED, find_store
from catscale.run.folder.readback import run_directions
from catscale.run.folder.run_folder import load_run
from catscale.training.checkpointing.checkpoint import list_checkpoints
from tests.cli.toy import write_config, write_corpus


@pytest.fixture
def run(tmp_path):
    """A run's folder with what says where its data are; nothing was prepared."""
    corpus = write_corpus(tmp_path / "corpus", "moses", {"xa": 40}, dev=4, test=4)
    config = load_config(write_config(tmp_path / "toy.yaml", corpus, tmp_path / "elsewhere" / "store"))
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text(dump_config(config))
    (folder / "environment.json").write_text(json.dumps({"data_fingerprint": "0" * 64, "train_pairs": {"en-xa": 40}}))
    return folder


def test_its_store_is_made_in_its_folder_and_it_says_so(run, tmp_path):
    said: list[str] = []
    store = find_store(run, load_run(run), said.append)
    assert store.folder.parent == run / PREPARED
    assert not (tmp_path / "elsewhere").exists()
    assert (
        f"elsewhere/store/{'0' * 16} is gone; reading {tmp_path / 'corpus'}, which {run} names, into {run / PREPARED}"
        in said[0]
    )
    assert "warning: the data have changed" in said[-1]
    (run / "environment.json").write_text(json.dumps({"data_fingerprint": store.fingerprint}))
    said.clear()
    assert find_store(run, load_run(run), said.append).folder == store.folder  # found again
    assert said == [f"data: {store.folder}"]
    (tmp_path / "elsewhere" / "store").mkdir(parents=True)
    shutil.move(store.folder, tmp_path / "elsewhere" / "store")
    assert find_store(run, load_run(run), said.append).folder.parent == tmp_path / "elsewhere" / "store"


def test_its_folder_of_stores_is_no_link(run, tmp_path):
    (tmp_path / "victim").mkdir()
    (run / PREPARED).symlink_to(tmp_path / "victim")
    with pytest.raises(CatscaleError, match=r"prepared.* is a symbolic link|symbolic link"):
        find_store(run, load_run(run), lambda line: None)
    assert list((tmp_path / "victim").iterdir()) == []


@pytest.mark.parametrize("found", ["../../../etc", "/etc", "x", "0" * 65, 7, ["0"]])
def test_its_fingerprint_is_no_path(run, found):
    (run / "environment.json").write_text(json.dumps({"data_fingerprint": found}))
    with pytest.raises(CheckpointError, match=r"environment\.json cannot be read \(data_fingerprint: "):
        find_store(run, load_run(run), lambda line: None)
    (run / "environment.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"environment\.json has no data_fingerprint; restore it, or train again"):
        find_store(run, load_run(run), lambda line: None)


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
