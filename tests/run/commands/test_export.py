"""`catscale export`: what is refused before anything is written; `tests/cli/test_export.py` exports."""

import os

import pytest

from catscale.errors import CheckpointError, ConfigError
from catscale.run.commands import export as module
from catscale.run.commands.export import check_empty, export
from catscale.run.exporting.form import ExportFormat


def test_a_place_where_something_is_is_refused(tmp_path):
    check_empty(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    check_empty(tmp_path / "empty")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match=r"--out .*file is a file; name a new folder"):
        check_empty(tmp_path / "file")
    with pytest.raises(ConfigError, match=r"is not empty: it holds 'empty'; an exported model replaces nothing"):
        check_empty(tmp_path)


def test_what_is_no_run_is_refused_and_leaves_nothing(tmp_path, stranger):
    with pytest.raises(CheckpointError, match="is not a run's folder"):
        export(tmp_path / "none", ExportFormat("hf"), tmp_path / "out", print)
    with pytest.raises(CheckpointError, match="has no trained model yet"):
        export(stranger, ExportFormat("hf"), tmp_path / "out", print)
    assert not (tmp_path / "out").exists()


def test_a_vocabulary_without_a_tokenizer_is_refused(tmp_path, stranger, monkeypatch):
    class Bytes:
        kind, has_tokenizer = "bytes", False

    monkeypatch.setattr(module, "best_folder", lambda run, say: run / "best")
    monkeypatch.setattr(module, "load_vocabulary", lambda best: Bytes())
    (stranger / "best").mkdir()
    with pytest.raises(ConfigError, match=r"kind bytes, has no Hugging Face tokenizer.*; train with a"):
        export(stranger, ExportFormat("hf"), tmp_path / "out", print)


def test_a_run_that_cannot_be_written_to_is_read_as_it_is(stranger, monkeypatch):
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    with module._still(stranger, stranger / "best") as best:
        assert best == stranger / "best"
    assert not list(stranger.glob(".*"))
