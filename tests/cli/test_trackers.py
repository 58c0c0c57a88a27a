"""`training.wandb` through the command line: the numbers are those of metrics.jsonl."""

from types import SimpleNamespace
from typing import Any

from catscale.training.records import trackers
from catscale.training.records.metrics_file import read_metrics
from tests.cli.toy import write_config


def test_the_numbers_are_those_of_the_metrics(cli, tmp_path, corpus, store, monkeypatch):
    logged: list[Any] = []
    given: dict[str, Any] = {}
    run = SimpleNamespace(define_metric=lambda *a, **k: None, log=logged.append, finish=lambda exit_code: None)
    module = SimpleNamespace(init=lambda **k: given.update(k) or run)
    monkeypatch.setattr(trackers, "import_module", lambda name: module)
    config = write_config(tmp_path / "toy.yaml", corpus, store, training={"max_steps": 8, "wandb": "toy"})
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    expected = [
        (r["step"], r["mean"]) for r in read_metrics(tmp_path / "run" / "metrics.jsonl") if r["kind"] == "valid"
    ]
    assert [(entry["step"], entry["valid/mean"]) for entry in logged if "valid/mean" in entry] == expected
    assert given["config"]["training.batch_tokens"] == 128
