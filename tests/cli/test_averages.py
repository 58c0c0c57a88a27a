"""`training.average` through the command line: interruptions, and the scores of each kind of model."""

import json
import shutil

import pytest
from experiments.averages import make_table, score_kind

from catscale.cli.main import main
from catscale.run.commands.evaluate import evaluate
from catscale.training.averaging.config import AverageSettings
from catscale.training.averaging.places import KINDS
from tests.cli.toy import write_config
from tests.run_records import assert_same_run, metrics


@pytest.fixture(scope="module")
def whole(tmp_path_factory, corpus, store):
    """A configuration and its uninterrupted run."""
    root = tmp_path_factory.mktemp("averages")
    config = write_config(root / "toy.yaml", corpus, store, training={"average": {"last": 2, "ema": 0.7}})
    assert main(["train", str(config), "--out", str(root / "run")]) == 0
    return config, root / "run"


def test_interrupted_and_crashed_runs_come_to_the_same_models(whole, cli, stop_at, tmp_path):
    config, expected = whole
    stop_at(5)
    assert cli("train", config, "--out", tmp_path / "run").status == 130
    stop_at(19, RuntimeError)
    with pytest.raises(RuntimeError, match="a crash"):
        cli("train", config, "--out", tmp_path / "run")
    stop_at(None)
    done = cli("train", config, "--out", tmp_path / "run")
    assert "continuing at step 16" in done.err
    assert_same_run(tmp_path / "run", expected)
    for kind in ("single", "last", "ema"):
        one, two = (run / "averages" / kind / "best" / "model.safetensors" for run in (tmp_path / "run", expected))
        assert one.read_bytes() == two.read_bytes()


def test_each_kind_is_scored_beside_its_model(whole, cli, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(whole[1], run)
    done = cli("evaluate", run, "--model", "ema", "--split", "dev", "--beam", 1)
    assert done.status == 0
    assert "scoring the model of step 24, EMA 0.7, on dev" in done.err
    scores = json.loads((run / "averages" / "ema" / "scores.dev.json").read_text())
    assert (scores["evaluation"]["step"], scores["evaluation"]["average"]) == (24, "EMA 0.7")
    recorded = [record for record in metrics(run) if record["kind"] == "valid"][-1]["average"]["ema"]["nll"]
    assert {name: scores[name]["nll"] for name in recorded} == pytest.approx(recorded, rel=1e-4)
    assert (run / "averages" / "ema" / "translations" / "dev.en-xa.hyp").is_file()
    assert not (run / "scores.dev.json").exists()
    assert cli("evaluate", run, "--split", "dev", "--beam", 1).status == 0
    for kind in ("single", "last"):
        evaluate(run, "dev", None, lambda line: None, ["evaluation.beam=1"], model=kind)
    table = make_table({kind: [score_kind(run, kind, "dev")] for kind in KINDS}, AverageSettings(last=2, ema=0.7))
    assert [line[0] for line in table] == ["model", "the single model", "last 2", "EMA 0.7"]
    best = json.loads((run / "scores.dev.json").read_text())
    chosen = [record for record in metrics(run) if record["kind"] == "valid"][-1]["best"]
    assert sum(best[name]["nll"] for name in recorded) / 2 == pytest.approx(chosen["nll"], rel=1e-4)


def test_a_kind_that_the_run_does_not_keep(whole, cli, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(whole[1], run)
    shutil.rmtree(run / "averages" / "last")
    done = cli("evaluate", run, "--model", "last")
    assert done.status == 2
    assert "keeps no best model of the kind last, found single, ema; training.average of a run has them" in done.message
