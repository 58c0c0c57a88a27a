import json
import subprocess

import pytest

from catscale.errors import CheckpointError
from catscale.run import folder as module
from catscale.run.folder import load_run, read_environment, read_scores, source_commit


def test_scores_that_are_not_there(tmp_path):
    with pytest.raises(CheckpointError, match=r"has no scores\.json; run `catscale evaluate"):
        read_scores(tmp_path)
    (tmp_path / "scores.json").write_text(json.dumps({"en-az": 1}))
    assert read_scores(tmp_path) == {"en-az": 1}


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(CheckpointError, match=r"is not a run's folder: config\.yaml is missing"):
        load_run(tmp_path)


def test_the_commit_is_the_source_trees(monkeypatch):
    expected = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=module.__file__.rpartition("/")[0],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    assert (source_commit() or "").removesuffix("+changes") == expected

    def missing(*arguments, **options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(module.subprocess, "run", missing)
    assert source_commit() is None


@pytest.mark.parametrize("content", ["{", "5", "[1]"])
def test_files_that_are_damaged(tmp_path, content):
    for read, name in ((read_scores, "scores.json"), (read_environment, "environment.json")):
        (tmp_path / name).write_text(content)
        with pytest.raises(CheckpointError, match=f"{name} cannot be read"):
            read(tmp_path)
