"""Runs that were evaluated: which are found, and what is read of them."""

import pytest

from catscale.errors import CheckpointError, ConfigError
from catscale.run.folder.evaluated import check_enough, find_runs, read_run
from tests.comparison.fakes import edit_json, write_run
from tests.run.conftest import SMALL


def test_a_sweep_s_folder_stands_for_its_runs(sweep):
    names = [str(run.relative_to(sweep)) for run in find_runs([sweep])]
    assert names == ["T=5/seed-1", "T=5/seed-2", "cats/seed-1", "cats/seed-2"]
    assert [run.name for run in find_runs([sweep / "cats"])] == ["seed-1", "seed-2"]


def test_runs_on_different_levels_are_all_found(sweep):
    write_run(sweep / "alone", **SMALL, sampling={"temperature": 1})
    write_run(sweep / "alone" / "inner", **SMALL)  # what a run's folder holds is its own
    names = [str(run.relative_to(sweep)) for run in find_runs([sweep])]
    assert names == ["T=5/seed-1", "T=5/seed-2", "alone", "cats/seed-1", "cats/seed-2"]


def test_a_run_given_twice_counts_once(sweep):
    run = sweep / "cats" / "seed-2"
    found = find_runs([run, sweep / "cats", sweep / "cats" / ".." / "cats" / "seed-2"])
    assert [path.name for path in found] == ["seed-2", "seed-1"]


def test_a_folder_without_runs(tmp_path):
    with pytest.raises(ConfigError, match=r"holds none: there is no environment\.json in it or 3 levels below"):
        find_runs([tmp_path])


def test_one_run_alone(sweep):
    with pytest.raises(ConfigError, match=r"needs two runs or more, found .*seed-1; give another"):
        check_enough(find_runs([sweep / "cats" / "seed-1"]), 2)


def test_the_dev_set_is_evaluated_by_itself(sweep):
    with pytest.raises(CheckpointError, match=r"no scores\.dev\.json; run `catscale evaluate .* --split dev` first"):
        read_run(sweep / "cats" / "seed-1", "dev")


def test_scores_of_something_else(sweep):
    edit_json(sweep / "cats" / "seed-1" / "scores.json", evaluation={})
    with pytest.raises(CheckpointError, match=r"scores\.json holds no scores; run `catscale evaluate"):
        read_run(sweep / "cats" / "seed-1", "test")


def test_scores_of_the_dev_set_that_are_something_else(sweep):
    (sweep / "T=5" / "seed-1" / "scores.dev.json").write_text("{}")
    with pytest.raises(
        CheckpointError, match=r"scores\.dev\.json holds no scores; run `catscale evaluate .*--split dev"
    ):
        read_run(sweep / "T=5" / "seed-1", "test")


def test_what_a_comparison_reads(tmp_path):
    run = read_run(write_run(tmp_path / "run", steps=60, fingerprint="a" * 64, **SMALL), "test")
    assert (run.fingerprint, run.dev_scores, run.config["balancing"]["method"]) == ("a" * 64, None, "fixed")
    assert [(record["kind"], record["step"]) for record in run.metrics] == [("train", 60), ("valid", 60)]
    assert run.scores["evaluation"]["train_pairs"] == {"en-az": 500}
    with_dev = read_run(write_run(tmp_path / "other", dev=0.5, **SMALL), "test")
    assert with_dev.dev_scores is not None
    assert with_dev.dev_scores["evaluation"]["split"] == "dev"
