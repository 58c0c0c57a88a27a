"""The live page: what it is given, and what its server refuses."""

import json
import shutil

import pytest

from catscale.errors import ConfigError
from catscale.run.folder.run_lock import hold_lock
from catscale.run.watch.view import Watched

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def test_runs_of_a_sweep_and_how_far_they_are(sweep):
    runs = {run["name"]: run for run in Watched(sweep).look()["runs"]}
    assert {name: run["status"] for name, run in runs.items()} == {
        "T=1/seed-1": "scored", "T=5/seed-1": "stopped", "T=5/seed-2": "waiting"
    }  # fmt: skip
    assert runs["T=1/seed-1"]["test"]["bleu"] == pytest.approx(
        json.loads((sweep / "T=1" / "seed-1" / "scores.json").read_text())["averages"]["all"]["bleu"]
    )
    with hold_lock(sweep / "T=5" / "seed-1", "train"):
        run = Watched(sweep).look()["runs"][1]
    assert (run["status"], run["step"], run["max_steps"], run["left"]) == ("training", 6, 12, 30.0)


def test_a_run_alone_is_watched_and_nothing_is_written(sweep):
    run = sweep / "T=1" / "seed-1"
    before = {path: path.stat().st_mtime_ns for path in sweep.rglob("*")}
    found = Watched(run).look()
    assert [item["name"] for item in found["runs"]] == ["seed-1"]
    assert found["title"] == "seed-1"
    assert {path: path.stat().st_mtime_ns for path in sweep.rglob("*")} == before


def test_numbers_without_bounds_are_left_out(sweep):
    run = sweep / "T=5" / "seed-1"
    record = {"kind": "valid", "step": 1, "time": 1e308, "mean": 1e308, "bleu": {"en-az": 1.7e308, "en-be": 1.7e308}}
    (run / "metrics.jsonl").write_text(json.dumps(record) + "\n")
    with hold_lock(run, "train"):
        [shown] = Watched(run).look()["runs"]
    assert (shown["bleu"], shown["valid"], shown["left"]) == ([], [[1, 1e308]], None)
    json.dumps(shown, allow_nan=False)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"is no run and no sweep: there is no config\.yaml in it"):
        Watched(tmp_path)
    with pytest.raises(ConfigError, match="is no folder"):
        Watched(tmp_path / "nothing")


def test_names_cannot_act(sweep):
    (sweep / "T=5" / "seed-1").rename(sweep / "T=5" / "seed-1\x1b[31m<b>")
    name = Watched(sweep).look()["runs"][1]["name"]
    assert "\x1b" not in name
