"""The model that a run started from, through the command line: measured before the first step, scored afterwards."""

import json
import shutil
from pathlib import Path

import pytest

from catscale.cli.main import main
from tests.cli.toy import write_config, write_corpus, write_pretrained_config
from tests.model.nllb_folder import SMALL, write_nllb_folder
from tests.run_records import metrics


def write_new_language(root: Path) -> Path:
    """A configuration of 24 steps: a base that knows English and French, and Galician, which it lacks."""
    write_nllb_folder(root / "nllb", **SMALL)
    corpus = write_corpus(root / "corpus", "moses", {"fr": 200, "gl": 60}, dev=8, test=8)
    return write_pretrained_config(
        root / "toy.yaml",
        corpus,
        root / "store",
        root / "nllb",
        {"new_languages": {"gl": {"tag": "glg_Latn", "like": "fr"}}},
        optimizer={"learning_rate": 0.03},
        training={"validate_sentences": 4},
        sampling={"temperature": 1, "replay": 0.25},
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("base")
    assert main(["train", str(write_new_language(root)), "--out", str(root / "run")]) == 0
    return root / "run"


def test_it_is_measured_before_the_first_step_on_all_of_dev(run):
    first, *others = metrics(run)
    assert (first["kind"], first["step"]) == ("base", 0)
    assert first["nll"].keys() == {"en-fr", "en-gl"}
    assert not [record for record in others if record["kind"] == "base"]


def test_it_is_scored_as_it_was_and_not_kept(run, cli):
    done = cli("evaluate", run, "--model", "base", "--split", "dev", "--beam", 1)
    assert done.status == 0
    assert "scoring the model of step 0 on dev" in done.err
    scores = json.loads((run / "base" / "scores.dev.json").read_text())
    assert scores["evaluation"]["step"] == 0
    recorded = metrics(run)[0]["nll"]
    assert {name: scores[name]["nll"] for name in recorded} == pytest.approx(recorded, rel=1e-5)
    assert (run / "base" / "translations" / "dev.en-fr.hyp").is_file()
    assert {path.name for path in (run / "base").iterdir()} == {"scores.dev.json", "translations"}
    assert not (run / "scores.dev.json").exists()


def test_one_run_is_compared_with_what_it_began_with(run, cli, tmp_path):
    for model in ("best", "base"):
        assert cli("evaluate", run, "--model", model, "--beam", 1).status == 0
    done = cli("compare", run, "--out", tmp_path / "made", "--metric", "chrf", "--resamples", 200)
    assert done.status == 0
    assert "chrF before and after training, test set" in done.out
    assert "en-gl (new)" in done.out
    found = json.loads((tmp_path / "made" / "comparison.json").read_text())["forgetting"]
    assert (found["old"], found["new"], found["before"]) == (["en-fr"], ["en-gl"], "before training")
    assert "Before and after training" in (tmp_path / "made" / "report.html").read_text()
    assert (tmp_path / "made" / "figures" / "new-against-old.svg").is_file()


def test_the_share_of_the_old_direction_is_said_and_had(run, cli, tmp_path):
    done = cli("train", run / "config.yaml", "--out", tmp_path / "again", "--set", "training.max_steps=1")
    assert "1 of 2 directions are between languages that the model knows, and have 25.0% of the sentence" in done.err


def test_a_base_that_is_not_there_any_more(run, cli, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(run, moved)
    content = (moved / "config.yaml").read_text()
    (moved / "config.yaml").write_text(content.replace(str(run.parent / "nllb"), str(tmp_path / "nowhere")))
    done = cli("evaluate", moved, "--model", "base")
    assert done.status == 2
    assert "nowhere" in done.message


def test_a_run_without_a_base(cli, corpus, store, tmp_path):
    config = write_config(tmp_path / "toy.yaml", corpus, store)
    assert cli("train", config, "--out", tmp_path / "plain", "--set", "training.max_steps=1").status == 0
    done = cli("evaluate", tmp_path / "plain", "--model", "base")
    assert "plain was trained from random parameters, so that there is no base model to score; leave" in done.message
    assert "base" not in {record["kind"] for record in metrics(tmp_path / "plain")}
