"""A sweep through the command line: whole, continued, refused."""

import json
from pathlib import Path

import pytest

from tests.cli.toy import write_config


@pytest.fixture
def small(tmp_path, corpus, store) -> Path:
    return write_config(tmp_path / "toy.yaml", corpus, store, training={"max_steps": 8}, evaluation={"beam": 1})


BAD = "cats:formulation=paper,alpha_lr=100,inner_steps=1"


@pytest.mark.parametrize(
    "methods", [{"T=1": "fixed"}, pytest.param({"T=1": "fixed", "cats": "cats"}, marks=pytest.mark.slow)], ids=" ".join
)
def test_a_sweep_trains_and_scores_what_is_not_done_yet(cli, small, tmp_path, methods):
    """Every run takes seconds, so that two that go well are a long test."""
    out, count = tmp_path / "sweep", len(methods)
    done = cli("sweep", small, "--methods", BAD, *methods, "--out", out, "--jobs", "2")
    assert done.status == 2
    assert (
        f"1 of {count + 1} runs failed, the others are done:\n  {BAD} seed 1 ended with status 3; see " in done.message
    )
    assert "the same command tries them again" in done.message
    for name, method in methods.items():
        run = out / name / "seed-1"
        assert {"config.yaml", "scores.json", "scores.dev.json", "metrics.jsonl"} <= {p.name for p in run.iterdir()}
        assert f"method: {method}" in (run / "config.yaml").read_text()
        assert json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 8
    scores = {path: path.stat().st_mtime_ns for path in out.rglob("scores*.json")}
    again = cli("sweep", small, "--methods", *methods, "--out", out)
    assert again.status == 0
    assert f"{count} done, 0 to do" in again.err
    assert "baseline: T=1" in again.out
    assert "en-xa" in (out / "report.html").read_text()
    assert {path: path.stat().st_mtime_ns for path in out.rglob("scores*.json")} == scores
    longer = cli("sweep", small, "--methods", *methods, "--out", out, "--set", "training.max_steps=11", "--jobs", "2")
    assert longer.status == 0
    assert f"0 done, {count} to do" in longer.err
    for name in methods:
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
