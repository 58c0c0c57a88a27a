"""From folders to a comparison."""

import csv
import json
from dataclasses import replace
from typing import Any

import pytest

from catscale.comparison.compare import Question, compare_runs
from catscale.comparison.result import COLUMNS
from catscale.errors import ConfigError
from catscale.run.folder.evaluated import read_run
from tests.comparison.fakes import SIZES, edit_json, write_run

CATS: dict[str, Any] = {"balancing": {"method": "cats"}}
AT_1: dict[str, Any] = {"sampling": {"temperature": 1}}
QUICK = Question(resamples=300)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """T=1, T=5 and CATS with two seeds each; CATS is clearly better, T=5 the best temperature on dev."""
    root = tmp_path_factory.mktemp("runs")
    runs = []
    for seed in (1, 2):
        runs.append(write_run(root / f"cats-{seed}", 0.75, seed, **CATS))
        runs.append(write_run(root / f"t5-{seed}", 0.5, seed, dev=0.6))
        runs.append(write_run(root / f"t1-{seed}", 0.55, seed, dev=0.3, **AT_1))
    return runs


@pytest.fixture(scope="module")
def found(folders):
    return compare_runs([read_run(folder, "test") for folder in folders], QUICK)


def test_methods_directions_and_rows(found):
    assert [(m.name, m.seeds, m.temperature) for m in found.methods] == [
        ("T=1", [1, 2], 1.0), ("T=5", [1, 2], 5.0), ("T=5 + CATS", [1, 2], None)
    ]  # fmt: skip
    assert [(d.name, d.pairs, d.group, d.sentences) for d in found.directions] == [
        ("en-az", 500, "low", 60), ("en-be", 4_000, "low", 60), ("en-fr", 130_000, "high", 60)
    ]  # fmt: skip
    assert found.baseline == "T=5"
    assert list(dict.fromkeys(row.over for row in found.rows)) == ["en-az", "en-be", "en-fr", "all", "low", "high"]
    assert len(found.rows) == 3 * 6 * 3
    assert found.corrected_for == 6 * 2
    assert found.warnings == []
    assert (found.split, found.resamples, found.seed) == ("test", 300, 1)


def test_values_are_those_on_record(found, folders):
    scores = [json.loads((folder / "scores.json").read_text()) for folder in folders]
    row = found.row("bleu", "en-be", "T=5")
    assert row.values == pytest.approx([scores[1]["en-be"]["bleu"]["score"], scores[4]["en-be"]["bleu"]["score"]])
    row = found.row("nll", "low", "T=5 + CATS")
    assert row.values == pytest.approx([scores[0]["averages"]["low"]["nll"], scores[3]["averages"]["low"]["nll"]])
    assert found.signatures["chrf"]["en-az"] == scores[0]["en-az"]["chrf"]["signature"]
    assert set(found.signatures) == {"bleu", "chrf"}


def test_a_clear_difference_has_the_right_sign_and_two_seeds_hardly_call_it_significant(found):
    for metric in ("bleu", "chrf", "nll"):
        for over in (*SIZES, "all"):
            difference = found.row(metric, over, "T=5 + CATS").difference
            assert (difference.mean > 0) == (metric != "nll")
            assert difference.p_two_sided < 0.01
            assert difference.p_seeds < 0.2
    assert found.verdict.startswith("T=5 + CATS against T=5: BLEU +")
    assert found.baseline_reason.startswith("best of 2 temperatures by mean BLEU on the dev set")


def test_it_is_json_and_csv(found, tmp_path):
    found.write(tmp_path / "comparison.json")
    assert json.loads((tmp_path / "comparison.json").read_text())["rows"][0]["metric"] == "bleu"
    found.write_csv(tmp_path / "comparison.csv")
    with (tmp_path / "comparison.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(found.rows)
    assert list(lines[0]) == list(COLUMNS)
    for line, row in zip(lines, found.rows, strict=True):
        assert (line["metric"], line["over"], line["method"]) == (row.metric, row.over, row.method)
        assert float(line["mean"]) == row.mean
        assert line["seeds"] == "1 2"
        assert line["train_pairs"] == (str(SIZES[row.over]) if row.over in SIZES else "")
        if row.difference is None:
            assert line["difference"] == line["significant"] == ""
        else:
            assert float(line["p_corrected"]) == row.difference.p_corrected
            assert line["significant"] == str(int(row.difference.significant))
            assert (line["p_randomisation"] == "") == (row.difference.p_randomisation is None)


def test_the_same_seed_gives_the_same_and_another_nearly(folders, found):
    runs = [read_run(folder, "test") for folder in folders]
    assert compare_runs(runs, QUICK) == found
    other = compare_runs(runs, replace(QUICK, seed=2))
    for a, b in zip(found.rows, other.rows, strict=True):
        assert (a.values, a.mean) == (b.values, b.mean)
    assert other.rows != found.rows


def test_the_verdict_is_in_the_metric_that_was_asked_for(folders):
    runs = [read_run(folder, "test") for folder in folders]
    found = compare_runs(runs, Question(resamples=300, metric="chrf"))
    assert found.metric == "chrf"
    assert found.verdict.startswith("T=5 + CATS against T=5: chrF +")


def test_by_default_there_are_as_many_resamples_as_the_correction_needs(folders):
    runs = [read_run(folder, "test") for folder in folders[:3]]
    assert compare_runs(runs, Question()).resamples == 100 * 12
    assert compare_runs(runs[:2], Question()).resamples == 1000


def test_without_nll_by_sentence_there_are_no_rows_of_it(tmp_path):
    runs = [write_run(tmp_path / "old", nll=False), write_run(tmp_path / "new", **CATS)]
    found = compare_runs([read_run(run, "test") for run in runs], QUICK)
    assert {row.metric for row in found.rows} == {"bleu", "chrf"}
    (line,) = found.warnings
    assert line.startswith("no NLL: ")
    assert line.endswith("/old were evaluated without NLL by sentence; run `catscale evaluate` on them again")


@pytest.mark.parametrize("metric", ["nll", "bleu"])
def test_scores_that_are_not_those_of_the_texts(tmp_path, metric):
    """An evaluation that was cut off: new translations beside old scores."""
    runs = [write_run(tmp_path / "a"), write_run(tmp_path / "b", **CATS)]
    entry = json.loads((runs[1] / "scores.json").read_text())["en-be"]
    changed = 12.5 if metric == "nll" else {**entry["bleu"], "score": 12.5}
    edit_json(runs[1] / "scores.json", **{"en-be": {**entry, metric: changed}})
    read = [read_run(run, "test") for run in runs]
    with pytest.raises(ConfigError, match=rf"{metric} of en-be in .*/b: 12\.5000 on record, "):
        compare_runs(read, QUICK)
    assert "on record" in compare_runs(read, replace(QUICK, force=True)).warnings[0]


def test_with_force_the_sentences_in_common_are_compared(tmp_path):
    runs = [write_run(tmp_path / "a", sentences=50), write_run(tmp_path / "b", sentences=60, **CATS)]
    read = [read_run(run, "test") for run in runs]
    with pytest.raises(ConfigError, match="test sentences of en-az: 50 sentences"):
        compare_runs(read, QUICK)
    found = compare_runs(read, replace(QUICK, force=True))
    assert {direction.sentences for direction in found.directions} == {50}
    assert any(line.startswith("test sentences of en-fr") for line in found.warnings)


def test_a_direction_of_which_nothing_is_in_common_is_left_out(tmp_path):
    runs = [write_run(tmp_path / "a"), write_run(tmp_path / "b", **CATS)]
    (runs[1] / "translations/test.en-az.src").write_text("other\n" * 60)
    read = [read_run(run, "test") for run in runs]
    found = compare_runs(read, replace(QUICK, force=True))
    assert [direction.name for direction in found.directions] == ["en-be", "en-fr"]
    assert "en-az is left out: no test sentence is in all runs" in found.warnings
    for name in ("en-be", "en-fr"):
        (runs[1] / f"translations/test.{name}.src").write_text("other\n" * 60)
    with pytest.raises(ConfigError, match="no direction with the same test sentences in common"):
        compare_runs(read, replace(QUICK, force=True))


def test_dev_and_progress(folders):
    runs = [read_run(folder, "dev") for folder in folders if "cats" not in str(folder)]
    done: list[Any] = []
    found = compare_runs(runs, Question(split="dev", resamples=300), done.append)
    assert found.split == "dev"
    assert done == ["en-az", "en-be", "en-fr"]
    assert found.row("bleu", "all", "T=5").mean > found.row("bleu", "all", "T=1").mean


def test_seeds_of_one_method_alone(folders):
    found = compare_runs([read_run(folder, "test") for folder in (folders[0], folders[3])], QUICK)
    assert found.corrected_for == 0
    assert found.verdict == "Only T=5 + CATS was given: there is nothing to compare it with."
    assert found.row("bleu", "all", "T=5 + CATS").std > 0


def test_a_tokenizer_that_is_not_here_is_a_clear_error(tmp_path, monkeypatch):
    """Evaluated on another machine."""
    runs = [read_run(write_run(tmp_path / name, **extra), "test") for name, extra in (("a", {}), ("b", CATS))]
    monkeypatch.setattr("catscale.evaluation.metrics.bleu.why_not", lambda tokenizer: f"no {tokenizer}")
    with pytest.raises(
        ConfigError, match=r"/a: the BLEU tokenizer '13a' of en-az cannot be loaded here \(no 13a\); install"
    ):
        compare_runs(runs, QUICK)


def test_the_best_temperature_is_chosen_by_the_metric_that_is_asked_for(tmp_path):
    """T = 1 translates dev better, T = 5 is given the lower NLL there."""
    folders = [
        write_run(tmp_path / str(t), sampling={"temperature": t}, dev=dev, sizes={"en-az": 500}, sentences=30)
        for t, dev in ((1, 0.9), (5, 0.3))
    ]
    for folder, nll in zip(folders, (3.0, 2.0), strict=True):
        path = folder / "scores.dev.json"
        content = json.loads(path.read_text())
        content["averages"]["all"]["nll"] = nll
        path.write_text(json.dumps(content))
    runs = [read_run(folder, "test") for folder in folders]
    assert compare_runs(runs, Question(resamples=100)).baseline == "T=1"
    assert compare_runs(runs, Question(resamples=100, metric="nll")).baseline == "T=5"
