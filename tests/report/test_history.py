import json

import pytest

from catscale.report.history import interpolate_tokens, items, read_run, read_runs
from tests.report.fakes import make_comparison


def test_every_seed_of_every_method_is_read(tmp_path):
    runs = read_runs(make_comparison(tmp_path, seeds=2))
    assert [(run.method, run.seed) for run in runs[:3]] == [("T=1", 1), ("T=1", 2), ("T=5", 1)]
    assert [record["step"] for record in runs[0].valid] == list(range(100, 801, 100))
    assert len(runs[0].train) == 16
    assert runs[0].balance == []
    assert len(runs[-1].balance) == 16
    assert runs[-1].config["balancing"] == {"method": "cats"}
    assert runs[0].environment["commit"] == "abc123"


def test_a_folder_that_is_gone_is_an_empty_run(tmp_path):
    run = read_run("T=1", 1, tmp_path / "nowhere")
    assert (run.train, run.valid, run.balance, run.sample, run.analysis) == ([], [], [], [], [])
    assert (run.config, run.environment) == ({}, {})


def test_damaged_files_and_a_cut_last_line_are_left_out(tmp_path):
    (tmp_path / "config.yaml").write_text("{")
    (tmp_path / "environment.json").write_text("[1]")
    (tmp_path / "metrics.jsonl").write_text('{"kind": "valid", "step": 1, "nll": {"en-a": 2}}\n{"kind": "val')
    run = read_run("T=1", 1, tmp_path)
    assert (run.config, run.environment) == ({}, {})
    assert [record["step"] for record in run.valid] == [1]


def test_live_analyses_are_found_in_the_metrics(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"kind": "analysis", "step": 7}) + "\n")
    assert [record["step"] for record in read_run("a", 1, tmp_path).analysis] == [7]


def test_tokens_between_records_are_interpolated(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(
        "".join(json.dumps({"kind": "train", "step": s, "tokens": t}) + "\n" for s, t in ((10, 100), (20, 300)))
    )
    run = read_run("a", 1, tmp_path)
    assert [interpolate_tokens(run, step) for step in (0, 5, 10, 15, 20, 21)] == [0, 50, 100, 200, 300, None]


def test_a_validation_between_two_records_of_training_has_its_tokens(tmp_path):
    records = [("train", 10, 100), ("valid", 10, 100), ("valid", 16, 190), ("train", 20, 300), ("valid", 24, 340)]
    (tmp_path / "metrics.jsonl").write_text(
        "".join(json.dumps({"kind": kind, "step": step, "tokens": tokens}) + "\n" for kind, step, tokens in records)
    )
    run = read_run("a", 1, tmp_path)
    assert [interpolate_tokens(run, step) for step in (10, 16, 18, 24, 25)] == [100, 190, 245, 340, None]


@pytest.mark.parametrize("record", [{}, {"nll": None}, {"nll": {"a": None}}])
def test_missing_numbers_are_left_out(record):
    assert list(items(record, "nll")) == []
