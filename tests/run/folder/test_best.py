from typing import Any

import pytest

from catscale.errors import CheckpointError
from catscale.run.folder import best as module
from catscale.run.folder.best import frozen_best
from catscale.system.writing.manifest import write_manifest
from tests.unchecked import unchecked


def write_best(folder, content):
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_text(content)
    write_manifest(folder)
    return folder


def replace_best(run, content):
    (run / "best").rename(run / f"before {content}")
    write_best(run / "best", content)


def test_a_copy_stays_while_training_replaces_the_model(tmp_path):
    best = write_best(tmp_path / "best", "first")
    with frozen_best(tmp_path, best) as frozen:
        replace_best(tmp_path, "second")
        assert (frozen / "model.safetensors").read_text() == "first"
        assert {path.name for path in frozen.iterdir()} == {"model.safetensors", "manifest.json"}
    assert not frozen.exists()
    with frozen_best(tmp_path, best) as frozen:
        assert (frozen / "model.safetensors").read_text() == "second"


def test_a_copy_of_two_models_is_made_again(tmp_path, monkeypatch):
    best, link = write_best(tmp_path / "best", "first"), unchecked(module).link_file
    replaced: list[Any] = []

    def slow(path, copy):
        link(path, copy)
        if not replaced:
            replaced.append(path)
            replace_best(tmp_path, "second")

    monkeypatch.setattr(module, "link_file", slow)
    with frozen_best(tmp_path, best) as frozen:
        assert replaced
        assert (frozen / "model.safetensors").read_text() == "second"


def test_without_links_it_is_copied(tmp_path, monkeypatch):
    best = write_best(tmp_path / "best", "first")
    monkeypatch.setattr("pathlib.Path.hardlink_to", lambda self, target: (_ for _ in ()).throw(PermissionError()))
    with frozen_best(tmp_path, best) as frozen:
        assert (frozen / "model.safetensors").read_text() == "first"


def test_a_model_that_is_replaced_again_and_again(tmp_path, monkeypatch):
    best = write_best(tmp_path / "best", "first")
    monkeypatch.setattr(module, "_copy", lambda best, copy: False)
    monkeypatch.setattr(module, "COPIES", 2)
    with (
        pytest.raises(CheckpointError, match=r"training replaces .*best while it is read; evaluate again"),
        frozen_best(tmp_path, best),
    ):
        raise AssertionError
    assert not list(tmp_path.glob(".best*"))
