"""Which metrics are compared."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catscale.comparison.compare import Question, compare_runs
from catscale.comparison.evaluated import EvaluatedRun
from catscale.errors import ConfigError
from catscale.evaluation.metrics.spbleu import SpBleu
from catscale.run.folder.evaluated import read_run
from tests.comparison.fakes import edit_json, write_run

SMALL: dict[str, Any] = {"sizes": {"en-az": 500}, "sentences": 12}
QUICK = Question(resamples=200)


def made(folder: Path, *metrics: Any, **more: Any) -> EvaluatedRun:
    """Return a run that was evaluated with these metrics."""
    return read_run(write_run(folder, evaluation={"metrics": list(metrics)}, **SMALL, **more), "test")


def one(folder: Path, *metrics: Any) -> EvaluatedRun:
    return made(folder / "a", *metrics)


def other(folder: Path, *metrics: Any) -> EvaluatedRun:
    return made(folder / "b", *metrics, quality=0.7, balancing={"method": "cats"})


def test_what_both_have_is_compared_in_the_order_of_the_table(tmp_path: Path) -> None:
    metrics = ("chrf++", "ter", "bleu")
    found = compare_runs([one(tmp_path, *metrics), other(tmp_path, *metrics)], QUICK)
    assert list(dict.fromkeys(row.metric for row in found.rows)) == ["bleu", "nll", "ter", "chrf++"]
    assert set(found.signatures) == {"bleu", "ter", "chrf++"}
    assert found.warnings == []
    assert found.row("ter", "all", "T=5 + CATS").difference.mean < 0


def test_without_bleu_the_verdict_is_in_the_first_metric_that_they_have(tmp_path: Path) -> None:
    found = compare_runs([one(tmp_path, "chrf++", "chrf"), other(tmp_path, "chrf++", "chrf")], QUICK)
    assert found.metric == "chrf"
    assert found.verdict.startswith("T=5 + CATS against T=5: chrF +")


def test_what_one_of_them_lacks_is_left_out_and_said(tmp_path: Path) -> None:
    found = compare_runs([one(tmp_path, "bleu", "ter"), other(tmp_path, "bleu")], QUICK)
    assert {row.metric for row in found.rows} == {"bleu", "nll"}
    assert found.warnings == [
        f"no TER: {tmp_path / 'b'} were evaluated without it; evaluate with --set 'evaluation.metrics=[bleu,ter]'"
    ]


def test_what_none_of_them_has_is_said_where_it_was_asked_for(tmp_path: Path) -> None:
    runs = [one(tmp_path, "bleu"), other(tmp_path, "bleu")]
    assert compare_runs(runs, QUICK).warnings == []
    (line,) = compare_runs(runs, replace(QUICK, metric="chrf++")).warnings
    assert line.endswith("evaluated without it; evaluate with --set 'evaluation.metrics=[bleu,chrf++]'")


def test_nothing_in_common(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / "a", nll=False, evaluation={"metrics": ["bleu"]}, **SMALL)]
    runs.append(write_run(tmp_path / "b", nll=False, evaluation={"metrics": ["chrf"]}, seed=2, **SMALL))
    with pytest.raises(ConfigError, match="the runs have no metric in common, so that nothing can be compared; eval"):
        compare_runs([read_run(run, "test") for run in runs], QUICK)


def test_a_metric_whose_model_is_gone_is_left_out(tmp_path: Path, cache: Path) -> None:
    model = {"method": "spbleu", "model": str(SpBleu().path)}
    runs = [one(tmp_path, "bleu", model), other(tmp_path, "bleu", model)]
    found = compare_runs(runs, replace(QUICK, metric="spbleu"))
    assert found.metric == "spbleu"
    SpBleu().path.rename(tmp_path / "moved")
    found = compare_runs(runs, replace(QUICK, metric="spbleu"))
    assert found.metric == "bleu"
    (line,) = found.warnings
    assert line.startswith("no spBLEU: spBLEU needs the FLORES-200 SentencePiece model, and ")


def test_a_record_of_settings_that_are_none_is_refused(tmp_path: Path) -> None:
    runs = [one(tmp_path, "bleu"), other(tmp_path, "bleu")]
    for run in runs:
        evaluation = json.loads((run.folder / "scores.json").read_text())["evaluation"]
        evaluation["settings"]["metrics"] = [{"method": "bleu", "tokenizer": "x"}]
        edit_json(run.folder / "scores.json", evaluation=evaluation)
    with pytest.raises(ConfigError, match=r"records settings of bleu that are none \(tokenizer: .*; run `catscale"):
        compare_runs([read_run(run.folder, "test") for run in runs], QUICK)
