"""`training.validate_bleu` and `training.validate_sentences` through the command line."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.cli.toy import write_config


def valid(run: Path) -> list[dict]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "time"} for line in lines if line["kind"] == "valid"]


def test_scores_while_training_are_those_of_evaluate_and_change_nothing(cli, tmp_path, corpus, store):
    changes = {"max_steps": 60, "validate_every": 30}
    config = write_config(tmp_path / "toy.yaml", corpus, store, training=changes, optimizer={"learning_rate": 0.02})
    plain, watched = tmp_path / "plain", tmp_path / "watched"
    assert cli("train", config, "--out", plain).status == 0
    said = cli("train", config, "--out", watched, "--set", "training.validate_bleu=1000")
    assert said.status == 0
    one, two = (load_file(run / "checkpoints" / "step-60" / "model.safetensors") for run in (plain, watched))
    assert all(one[name].equal(two[name]) for name in one)
    records = valid(watched)
    assert [{k: v for k, v in record.items() if k not in ("bleu", "chrf")} for record in records] == valid(plain)
    assert f"dev chrF {sum(records[-1]['chrf'].values()) / 2:.1f}" in said.err
    settings = ["--set", "evaluation.beam=1", "--set", "evaluation.backend=huggingface"]
    assert cli("evaluate", watched, "--split", "dev", *settings).status == 0
    scores = json.loads((watched / "scores.dev.json").read_text())
    [best] = [record for record in records if record["step"] == scores["evaluation"]["step"]]
    for metric in ("bleu", "chrf"):
        assert best[metric] == {name: pytest.approx(scores[name][metric]["score"]) for name in ("en-xa", "en-xb")}
    assert best["chrf"]["en-xa"] > 5


def test_a_part_of_dev_is_on_record_and_may_not_change(cli, tmp_path, corpus, store):
    config = write_config(tmp_path / "toy.yaml", corpus, store, training={"max_steps": 8, "validate_sentences": 12})
    run = tmp_path / "run"
    assert cli("train", config, "--out", run).status == 0
    assert json.loads((run / "environment.json").read_text())["validation_pairs"] == {"en-xa": 12, "en-xb": 12}
    done = cli("train", config, "--out", run, "--set", "training.validate_sentences=13")
    assert done.status == 2
    assert "training.validate_sentences: 12 there, 13 now" in done.message
