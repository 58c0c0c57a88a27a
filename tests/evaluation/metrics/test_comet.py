"""COMET through a library in another interpreter, for which a stand-in is there."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catscale.comparison.compare import Question
from catscale.errors import ConfigError
from catscale.evaluation.metrics import comet_process
from catscale.evaluation.metrics.comet import Comet
from catscale.evaluation.metrics.comet_process import CometProcess, find_missing
from catscale.evaluation.metrics.contract import Segments
from catscale.run.commands.compare import compare
from catscale.run.folder.readback import read_scores
from tests.comparison.fakes import write_run

LINES = Segments(["a b", "c", "ü ş"], ["a b", "a b", "ü x"], "az", sources=["1", "2", "3"])
EXPECTED = [0.75, -0.25, 0.25]


@pytest.fixture(autouse=True)
def _anew():
    """Starts and ends the process with each test."""
    comet_process.start.cache_clear()
    yield
    comet_process.start.cache_clear()


def checkpoint_of(folder: Path) -> Path:
    return folder / "model" / "checkpoints" / "model.ckpt"


@pytest.mark.usefixtures("comet")
def test_the_score_is_the_mean_of_the_library_s():
    counts = Comet().count(LINES)
    assert (counts[:, 0] - 10).tolist() == pytest.approx(EXPECTED)
    assert counts[:, 1].tolist() == [1, 1, 1]
    found = Comet().choose("az", {}).score(LINES)
    assert found["score"] == pytest.approx(np.mean(EXPECTED))
    sum_of_file = hashlib.sha256(b"weights").hexdigest()[:8]
    assert found["signature"] == f"model:model|sha256:{sum_of_file}|refs:1|version:0.0-fake"
    assert Comet().count(Segments((), (), "az")).shape == (0, 2)


@pytest.mark.usefixtures("comet")
def test_the_model_is_loaded_once_for_all_directions():
    Comet().count(LINES)
    first = comet_process.start.cache_info()
    Comet().count(LINES)
    assert (first.misses, comet_process.start.cache_info().misses) == (1, 1)


def test_a_comparison_needs_no_model(monkeypatch):
    monkeypatch.delenv("CATSCALE_COMET_MODEL", raising=False)
    found = Comet().recall({"settings": {}}, "en-az", "model:x|version:1")
    assert found.sign(LINES) == "model:x|version:1"
    assert found.from_sums(np.array([21.0, 2.0])) == pytest.approx(0.5)
    assert Comet().recall({"settings": {}}, "en-az").sign(LINES) == "unknown"
    with pytest.raises(ConfigError, match="COMET is computed by a library in an environment of its own; set CATSCALE_"):
        found.count(LINES)


def test_what_is_missing_is_named(comet, monkeypatch, tmp_path):
    assert find_missing() == ""
    monkeypatch.setenv("CATSCALE_COMET_MODEL", str(tmp_path))
    assert "has no checkpoints/model.ckpt; set CATSCALE_COMET_PYTHON" in find_missing()
    for wrong in (tmp_path, tmp_path / "none"):
        monkeypatch.setenv("CATSCALE_COMET_PYTHON", str(wrong))
        assert f"CATSCALE_COMET_PYTHON = {wrong} is no program; set" in find_missing()
    with pytest.raises(ConfigError, match="COMET needs a Python"):
        Comet().choose("az", {})
    monkeypatch.delenv("CATSCALE_COMET_PYTHON")
    assert "an environment of its own; set CATSCALE_COMET_PYTHON to" in Comet().missing


@pytest.mark.usefixtures("comet")
def test_sources_are_needed():
    with pytest.raises(ConfigError, match="COMET reads sources, and there are none beside the translations; leave"):
        Comet().count(Segments(["a"], ["a"], "az"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fail", r"COMET failed \(RuntimeError: the model fails\); try `.*comet_script\.py .*` by hand"),
        ("exit", r"COMET failed \(it ended with status 7 and no answer\)"),
        ("short", "must give a finite score for each of 1 sentences, and did not; try the library"),
    ],
)
@pytest.mark.usefixtures("comet")
def test_a_library_that_fails_is_told(text, message):
    with pytest.raises(ConfigError, match=message):
        Comet().count(Segments([text], ["a"], "az", sources=["s"]))


def test_a_library_or_a_model_that_cannot_be_loaded_is_told(comet, monkeypatch, tmp_path):
    (tmp_path / "model.ckpt").write_text("other")
    with pytest.raises(ConfigError, match=r"COMET failed \(AssertionError: no model\)"):
        CometProcess(sys.executable, tmp_path / "model.ckpt")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"COMET failed \(ModuleNotFoundError: No module named 'comet'\)"):
        CometProcess(sys.executable, checkpoint_of(comet))
    with pytest.raises(ConfigError, match=r"CATSCALE_COMET_PYTHON = .* cannot be run \(.*\); name another"):
        CometProcess(str(tmp_path / "none"), checkpoint_of(comet))
    answers = tmp_path / "list"
    answers.write_text("#!/bin/sh\necho '[]'\n")
    answers.chmod(0o700)
    with pytest.raises(ConfigError, match=r"COMET failed \(its answer is none\)"):
        CometProcess(str(answers), checkpoint_of(comet))


def test_runs_are_compared_by_the_kept_scores(comet, tmp_path, monkeypatch):
    evaluation = {"metrics": ["chrf", "comet"]}
    about: Any = {"sizes": {"en-az": 500}, "sentences": 20, "evaluation": evaluation}
    runs = [write_run(tmp_path / str(seed), quality, seed, **about) for seed, quality in ((1, 0.3), (2, 0.9))]
    for run in runs:
        scores = json.loads((run / "scores.json").read_text())
        scores["evaluation"]["comet"] = scores["en-az"]["comet"]["signature"]
        (run / "scores.json").write_text(json.dumps(scores))
    for name in ("CATSCALE_COMET_PYTHON", "CATSCALE_COMET_MODEL"):
        monkeypatch.delenv(name)
    found = compare(runs, tmp_path / "out", Question(resamples=100, force=True, metric="comet"), lambda line: None)
    row = found.row("comet", "all", found.methods[0].name)
    assert row.values == pytest.approx([read_scores(run)["en-az"]["comet"]["score"] for run in runs])
    assert row.values[0] < row.values[1]
    signed = json.loads((tmp_path / "out" / "comparison.json").read_text())["signatures"]["comet"]
    assert signed == {"en-az": read_scores(runs[0])["en-az"]["comet"]["signature"]}
