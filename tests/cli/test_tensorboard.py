"""`training.tensorboard: true` through the command line, interrupted and continued."""

import pytest

from catscale.training.records.metrics_file import read_metrics
from tests.cli.toy import write_config


def test_the_curves_are_those_of_the_metrics(cli, tmp_path, corpus, store):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    config = write_config(tmp_path / "toy.yaml", corpus, store, training={"max_steps": 8, "tensorboard": True})
    run = tmp_path / "run"
    assert cli("train", config, "--out", run).status == 0
    assert cli("train", config, "--out", run, "--set", "training.max_steps=16").status == 0
    events = accumulator.EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    expected = [(r["step"], r["mean"]) for r in read_metrics(run / "metrics.jsonl") if r["kind"] == "valid"]
    assert [step for step, _ in expected] == [8, 16]
    found = [(event.step, event.value) for event in events.Scalars("valid/mean")]
    assert found == [(step, pytest.approx(value, rel=1e-6)) for step, value in expected]
