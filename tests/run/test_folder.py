import json
import subprocess

import pytest

from catscale.errors import CheckpointError, ConfigError
from catscale.run import folder as module
from catscale.run.config import parse_config
from catscale.run.folder import load_run, open_folder, record_environment, source_commit
from catscale.run.readback import read_environment, read_scores


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


ABOUT = {"seed": 1, "data_fingerprint": "abc"}


def visit(**changes: object) -> dict:
    return {"catscale": "0.1.0", "commit": "aaa", "device": "cpu", "processes": 1} | changes


def test_the_environment_records_who_began_a_run_and_who_went_on_with_it(tmp_path):
    record_environment(tmp_path, ABOUT, visit(), 0)
    assert read_environment(tmp_path) == visit() | ABOUT
    record_environment(tmp_path, ABOUT, visit(), 10)  # the same again is no news
    assert read_environment(tmp_path) == visit() | ABOUT
    record_environment(tmp_path, ABOUT, visit(commit="bbb"), 20)
    record_environment(tmp_path, ABOUT, visit(commit="bbb"), 25)
    record_environment(tmp_path, ABOUT, visit(commit="bbb", processes=2), 30)
    record_environment(tmp_path, ABOUT, visit(), 40)
    going_on = [
        {"step": 20, "commit": "bbb"},
        {"step": 30, "processes": 2},
        {"step": 40, "commit": "aaa", "processes": 1},
    ]
    assert read_environment(tmp_path) == visit() | ABOUT | {"continued_by": going_on}


def test_a_visit_whose_steps_are_lost_is_taken_off_the_record(tmp_path):
    record_environment(tmp_path, ABOUT, visit(), 0)
    record_environment(tmp_path, ABOUT, visit(commit="bbb"), 20)  # killed before a checkpoint
    record_environment(tmp_path, ABOUT, visit(commit="ccc"), 20)
    assert read_environment(tmp_path)["continued_by"] == [{"step": 20, "commit": "ccc"}]
    record_environment(tmp_path, ABOUT, visit(commit="ddd"), 0)  # all of it again, from the start
    assert read_environment(tmp_path) == visit(commit="ddd") | ABOUT


@pytest.mark.parametrize("listed", [[5], [{}], ["x", {"step": 3, "commit": "bbb"}]])
def test_a_record_of_visits_that_is_not_ours(tmp_path, listed):
    (tmp_path / "environment.json").write_text(json.dumps(visit() | ABOUT | {"continued_by": listed}))
    record_environment(tmp_path, ABOUT, visit(commit="ccc"), 10)
    assert read_environment(tmp_path)["continued_by"][-1] == {"step": 10, "commit": "ccc"}


def test_a_folder_that_a_kill_left_almost_empty_is_a_run_s(tmp_path):
    config = parse_config({"data": {"format": "moses", "path": "x", "source": "en", "targets": "all"}}, "test")
    (tmp_path / ".train.lock").touch()
    (tmp_path / ".config.yaml.tmp-0123abcd").touch()
    open_folder(tmp_path, config)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="exists and is not a run's folder"):
        open_folder(tmp_path, config)
