"""The data that a run was trained on, found again; a run that came from elsewhere makes them in its folder alone."""

import json
import shutil
from types import SimpleNamespace

import pytest

from catscale.errors import CatscaleError, CheckpointError, DataError
from catscale.run.folder.own_store import PREPARED, check_vocabulary, find_store
from catscale.run.folder.run_folder import load_run
from tests.unchecked import unchecked


@pytest.fixture
def run(stranger):
    return stranger


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


def test_another_vocabulary_than_the_model_s_is_refused(tmp_path):
    store = SimpleNamespace(vocabulary="theirs")
    same = SimpleNamespace(is_same=lambda other: other == "theirs")
    unchecked(check_vocabulary)(tmp_path, same, store)
    other = SimpleNamespace(is_same=lambda other: False)
    with pytest.raises(DataError, match=r"have changed since .* was trained: they give another vocabulary.*; restore"):
        unchecked(check_vocabulary)(tmp_path, other, store)
