"""A sweep through the command line: whole, continued, refused."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from catscale.run import jobs
from tests.cli.toy import write_config
from tests.forked import ForkedCommand


@pytest.fixture
def small(tmp_path, corpus, store) -> Path:
    return write_config(tmp_path / "toy.yaml", corpus, store, training={"max_steps": 8}, evaluation={"beam": 1})


BAD = "cats:formulation=paper,alpha_lr=100,inner_steps=1"


def test_a_sweep_trains_and_scores_what_is_not_done_yet(cli, small, tmp_path, monkeypatch):
    """Its commands are forked; tests/run/test_jobs.py and test_signals.py start programs, as a user's sweep does."""
    started = SimpleNamespace(Popen=ForkedCommand, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT)
    monkeypatch.setattr(jobs, "subprocess", started)
    out = tmp_path / "sweep"
    done = cli("sweep", small, "--methods", BAD, "T=1", "cats", "--out", out, "--jobs", "2")
    assert done.status == 2
    assert f"1 of 3 runs failed, the others are done:\n  {BAD} seed 1 ended with status 3; see " in done.message
    assert "the same command tries them again" in done.message
    for name, method in (("T=1", "fixed"), ("cats", "cats")):
        run = out / name / "seed-1"
        assert {"config.yaml", "scores.json", "scores.dev.json", "metrics.jsonl"} <= {p.name for p in run.iterdir()}
        assert f"method: {method}" in (run / "config.yaml").read_text()
        assert json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 8
    scores = {path: path.stat().st_mtime_ns for path in out.rglob("scores*.json")}
    again = cli("sweep", small, "--methods", "T=1", "cats", "--out", out)
    assert again.status == 0
    assert "2 done, 0 to do" in again.err
    assert "baseline: T=1" in again.out
    assert "en-xa" in (out / "report.html").read_text()
    assert {path: path.stat().st_mtime_ns for path in out.rglob("scores*.json")} == scores
    longer = cli(
        "sweep", small, "--methods", "T=1", "cats", "--out", out, "--set", "training.max_steps=11", "--jobs", "2"
    )
    assert longer.status == 0
    assert "0 done, 2 to do" in longer.err
    for name in ("T=1", "cats"):
        records = [json.loads(line) for line in (out / name / "seed-1" / "metrics.jsonl").read_text().splitlines()]
        best = min((r["mean"], r["step"]) for r in records if r["kind"] == "valid")[1]
        assert records[-1]["step"] == 11
        for split in ("scores.json", "scores.dev.json"):
            assert json.loads((out / name / "seed-1" / split).read_text())["evaluation"]["step"] == best
    changed = cli(
        "sweep", small, "--methods", "T=1", "--out", out, "--set", "model.width=64", "--set", "training.max_steps=11"
    )
    assert changed.status == 2
    assert "model.width: 32 there, 64 now" in changed.message


def test_a_wrong_method_is_refused_before_anything_is_written(cli, small, tmp_path):
    done = cli("sweep", small, "--methods", "T=1", "cat", "--out", tmp_path / "sweep")
    assert done.status == 2
    assert "did you mean cats?" in done.message
    assert not (tmp_path / "sweep").exists()
