"""Zero-shot directions through the command line: scored, and never trained."""

import json

import yaml

from tests.cli.toy import pairs, write_config, write_corpus, write_lines


def test_they_are_scored_and_count_in_their_own_average(cli, tmp_path):
    corpus = write_corpus(tmp_path / "corpus", "moses", {"xa": 300, "xb": 150})
    sides = {language: [target for _, target in pairs(language, "test", 40)] for language in ("xa", "xb")}
    (corpus / "xa-xb").mkdir()
    for language, lines in sides.items():
        write_lines(corpus / "xa-xb" / f"test.{language}", lines)
    config = write_config(tmp_path / "c.yaml", corpus, tmp_path / "store", data={"zero_shot": ["xa-xb"]})
    run = tmp_path / "run"
    assert cli("train", config, "--out", run, "--set", "training.max_steps=8").status == 0
    done = cli("evaluate", run)
    assert done.status == 0
    scores = json.loads((run / "scores.json").read_text())
    assert scores["xa-xb"]["sentences"] == 40
    averages, made = scores["averages"], scores["evaluation"]
    assert averages["zero_shot"]["nll"] == scores["xa-xb"]["nll"]
    assert averages["all"]["nll"] == (scores["en-xa"]["nll"] + scores["en-xb"]["nll"]) / 2
    assert made["train_pairs"]["xa-xb"] == 0
    assert set(made["resource_groups"]) == {"en-xa", "en-xb"}
    assert "zero-shot" in done.out
    assert (run / "translations" / "test.xa-xb.hyp").read_text().count("\n") == 40
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert all(set(record["nll"]) <= {"en-xa", "en-xb"} for record in records if "nll" in record)
    assert set(json.loads((run / "environment.json").read_text())["train_pairs"]) == {"en-xa", "en-xb"}
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["zero_shot"] == ["xa-xb"]
    other = tmp_path / "other"
    assert cli("train", config, "--out", other, "--set", "training.max_steps=8", "--set", "training.seed=2").status == 0
    assert cli("evaluate", other).status == 0
    compared = cli("compare", run, other, "--out", tmp_path / "comparison", "--force")
    assert compared.status == 0, compared.err
    assert "xa-xb" not in compared.out
