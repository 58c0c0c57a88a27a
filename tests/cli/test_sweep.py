"""A sweep through the command line: whole, continued, refused."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from catscale.run import local_processes, sweep_runs
from catscale.run.cluster import Cluster
from tests.cli.toy import write_config
from tests.forked import ForkedCommand


@pytest.fixture
def small(tmp_path, corpus, store) -> Path:
    return write_config(tmp_path / "toy.yaml", corpus, store, training={"max_steps": 8}, evaluation={"beam": 1})


BAD = "cats:formulation=paper,alpha_lr=100,inner_steps=1"


def test_a_sweep_trains_and_scores_what_is_not_done_yet(cli, small, tmp_path, monkeypatch):
    """Its commands are forked; tests/run/test_jobs.py and test_signals.py start programs, as a user's sweep does."""
    started = SimpleNamespace(Popen=ForkedCommand, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT)
    monkeypatch.setattr(local_processes, "subprocess", started)
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


@pytest.mark.slow
@pytest.mark.skipif(find_spec("submitit") is None, reason="submitit is not installed")
def test_a_sweep_in_submitit_s_local_jobs_is_ended_by_their_time_and_goes_on(cli, tmp_path, corpus, store, monkeypatch):
    """The queue is submitit's own on this machine; a job is asked to end as a cluster asks it."""
    monkeypatch.setattr(sweep_runs, "import_submitit", lambda: None)
    monkeypatch.setattr(sweep_runs, "Cluster", partial(Cluster, kind="local"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    endless = {"max_steps": 100_000, "validate_every": 100_000, "log_every": 1}
    config = write_config(tmp_path / "toy.yaml", corpus, store, training=endless, evaluation={"beam": 1})
    out, log = tmp_path / "sweep", tmp_path / "sweep" / "T=1" / "seed-1" / "metrics.jsonl"

    def end() -> None:
        while not log.exists() or log.stat().st_size < 500:
            time.sleep(0.05)
        os.kill(int(json.loads((out / ".slurm" / "T=1.seed-1.job.json").read_text())["job"]), signal.SIGTERM)

    command = ["sweep", config, "--methods", "T=1", "--out", out, "--slurm", "gpus=0", "cpus=1", "minutes=10"]
    watcher = threading.Thread(target=end, daemon=True)
    watcher.start()
    ended = cli(*command)
    watcher.join()
    assert ended.status == 2
    assert "T=1 seed 1 ended with status 130" in ended.message
    assert "the state is saved" in ended.message
    steps = json.loads(log.read_text().splitlines()[-1])["step"] + 3
    again = cli(*command, "--set", f"training.max_steps={steps}")
    assert again.status == 0, again.err
    assert "continuing at step" in (out / "T=1" / "seed-1.log").read_text()
    assert {"scores.json", "scores.dev.json"} <= {path.name for path in (out / "T=1" / "seed-1").iterdir()}


def test_a_wrong_method_is_refused_before_anything_is_written(cli, small, tmp_path):
    done = cli("sweep", small, "--methods", "T=1", "cat", "--out", tmp_path / "sweep")
    assert done.status == 2
    assert "did you mean cats?" in done.message
    assert not (tmp_path / "sweep").exists()
