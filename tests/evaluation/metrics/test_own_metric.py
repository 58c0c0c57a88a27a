"""Metrics of the user's own: counted by their code, recorded, compared and shown without it."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catscale.comparison.compare import Question
from catscale.errors import CheckpointError, ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.metrics.checks import check_metric
from catscale.evaluation.metrics.contract import Metric, Segments
from catscale.evaluation.metrics.recorded import RecordedMetric
from catscale.evaluation.metrics.scoring import check_at_hand, score
from catscale.evaluation.metrics.sentence_metric import SentenceMetric
from catscale.evaluation.metrics.table import METRICS, read_metric, write_metric
from catscale.evaluation.translations import Translations
from catscale.report.terminal_table import print_comparison, print_scores
from catscale.run.commands.compare import compare
from catscale.run.decoding import import_metrics
from catscale.run.folder.readback import read_scores
from catscale.run.folder.run_folder import load_run
from catscale.settings.location import LITERAL
from catscale.settings.own_class import OWN
from catscale.training.dev_scores import list_quick
from tests.comparison.fakes import edit_json, write_run
from tests.evaluation.metrics.own import write_module
from tests.pages import ROOT, read_blocks
from tests.unchecked import unchecked

TEXTS = Segments(["a cat", "dogs", "", "x"], ["a cat", "a dog", "birds", ""], "en")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The module, in the working directory; what the table learns of it is forgotten."""
    known = set(METRICS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = write_module(tmp_path)
    yield name
    sys.modules.pop(name, None)
    for learnt in set(METRICS) - known:
        del METRICS[learnt]


def forget(module: str, folder: Path) -> None:
    """Take away the module and what is known of it, as on another machine."""
    sys.modules.pop(module, None)
    (folder / f"{module}.py").unlink()
    for name in [name for name in METRICS if name.startswith(module)]:
        del METRICS[name]


@pytest.fixture
def runs(module: str, tmp_path: Path) -> list[Path]:
    """Two methods of three seeds, of which one is clearly better."""
    evaluation: dict[str, Any] = {"metrics": ["bleu", {"method": f"{module}:Longer", "floor": 0.0}, f"{module}:Same"]}
    made = []
    for seed in (1, 2, 3):
        for name, quality, balancing in (("poor", 0.5, "fixed"), ("good", 0.95, "cats")):
            sections: dict[str, Any] = {"balancing": {"method": balancing}, "evaluation": evaluation}
            made.append(write_run(tmp_path / f"{name}-{seed}", quality, seed, sizes={"en-az": 500}, **sections))
    return made


def test_a_score_is_the_weighted_mean_of_those_of_the_sentences(module: str) -> None:
    metric = read_metric({"method": f"{module}:Longer", "floor": 0.1}, OWN)
    errors = [max(0.1, value) for value in (0.0, 1 / 5, 1.0, 1.0)]
    lengths = [5.0, 5.0, 5.0, 0.0]
    expected = sum(w * e for w, e in zip(lengths, errors, strict=True)) / sum(lengths)
    found = metric.score(TEXTS)
    assert found["score"] == pytest.approx(expected, abs=1e-12)
    assert found["signature"] == f"{module}:Longer|nrefs:1|floor:0.1|version:1"
    counts = metric.count(TEXTS)
    assert counts.tolist() == [pytest.approx([w * (e + 1), w]) for w, e in zip(lengths, errors, strict=True)]
    assert metric.from_sums(np.zeros(2)) == -1.0
    known = score(TEXTS, [metric], {metric.name: counts * [2.0, 1.0]})
    assert known[metric.name]["score"] == pytest.approx(2 * (expected + 1) - 1)


def test_it_keeps_the_promises_of_metrics(module: str) -> None:
    metric = read_metric(f"{module}:Same", OWN)
    check_metric(metric)
    assert write_metric(metric) == f"{module}:Same"
    check_metric(unchecked(type(metric))())
    assert [each.name for each in list_quick(EvaluationConfig(metrics=(metric,)))] == ["bleu"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Few", r":Few: score_sentences must give a number for each of 4 sentences, found the shape \(1,\); correct"),
        ("High", r":High: score_sentences must give finite numbers from 0 to 100, found 100\.5 for sentence 4, 'x'; c"),
        ("Negative", r":Negative: weigh must give finite numbers from 0 to inf, found -1 for sentence 1, 'a cat'; "),
    ],
)
def test_wrong_numbers_of_the_user_s_are_named(module: str, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_metric(f"{module}:{name}", OWN).score(TEXTS)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{}:Nothing", r":Nothing cannot be imported .*no attribute 'Nothing'.*put the module into the working dir"),
        ("{}:NUMBER", r"must be a class that derives from catscale\.evaluation\.metrics\.sentence_metric\.SentenceMe"),
        ("{}:Unfinished", r":Unfinished lacks score_sentences, which .*SentenceMetric asks for; add it"),
        ("{}:Unnamed", r":Unnamed: label: input should be a valid string"),
        ("{}:Turned", r":Turned: bounds: must be the lowest score and a higher one, found 1 and 0"),
        ({"method": "{}:Longer", "flor": 1.0}, r"flor: unknown key; did you mean floor"),
    ],
)
def test_what_is_no_such_metric(module: str, written: Any, message: str) -> None:
    if isinstance(written, str):
        named: Any = written.format(module)
    else:
        named = written | {"method": written["method"].format(module)}
    with pytest.raises(ValueError, match=message):
        read_metric(named, OWN)


def test_a_record_is_never_followed_to_code(module: str) -> None:
    name = f"{module}:Longer"
    recorded = read_metric({"method": name, "floor": 0.5, "more": [1]}, LITERAL)
    assert module not in sys.modules
    assert isinstance(recorded, RecordedMetric)
    assert write_metric(recorded) == {"method": name, "floor": 0.5, "more": [1]}
    for refused in (lambda: check_at_hand([recorded]), lambda: recorded.count(TEXTS)):
        with pytest.raises(ConfigError, match=rf"{name} is a class of the user's own, and the record of a run is not "):
            refused()
    settings = EvaluationConfig(metrics=(recorded,))
    assert import_metrics(settings, ["evaluation.beam=1"]) is settings
    assert module not in sys.modules
    with pytest.raises(ConfigError, match=r"--set evaluation\.metrics: more: unknown key"):
        import_metrics(settings, [f"evaluation.metrics=[{name}]"])


def test_the_command_line_s_own_words_are(module: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", sizes={"en-az": 50}, evaluation={"metrics": ["bleu", f"{module}:Same"]})
    forgotten = sys.modules.pop(module)
    assert forgotten is not None
    overrides = [f"evaluation.metrics=[bleu, '{module}:Same']"]
    loaded = load_run(run, overrides).evaluation
    assert module not in sys.modules
    chosen = import_metrics(loaded, overrides).metrics
    assert not isinstance(chosen[1], RecordedMetric)
    assert isinstance(chosen[1], SentenceMetric)
    check_at_hand(chosen)


def test_runs_are_compared_and_shown_without_the_class(
    module: str, runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{module}:Longer"
    forget(module, tmp_path)
    out = tmp_path / "out"
    found = compare(runs, out, Question(resamples=500, metric=name), lambda line: None)
    assert module not in sys.modules
    row = found.row(name, "all", "T=5 + CATS")
    assert row is not None
    assert row.difference is not None
    assert row.values == pytest.approx([read_scores(run)["en-az"][name]["score"] for run in runs[1::2]])
    assert row.difference.mean < 0
    assert row.difference.significant
    assert found.verdict.startswith("T=5 + CATS against T=5: length error (lower is better) −")
    with (out / "comparison.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["metric"] == name]
    assert float(lines[1]["mean"]) == row.mean
    signed = json.loads((out / "comparison.json").read_text())["signatures"]
    assert signed[name] == {"en-az": f"{name}|nrefs:1|floor:0.0|version:1"}
    page = (out / "report.html").read_text(encoding="utf-8")
    for text in ("length error, characters, lower is better", "length error by direction and method", "same, higher"):
        assert text in page
    print_comparison(found)
    print_scores(read_scores(runs[0]), "test")
    told = capsys.readouterr().out
    assert "length error on the test set" in told
    assert f"{row.mean:.2f}" in told


def test_texts_that_are_not_those_of_its_score_are_noticed(module: str, runs: list[Path], tmp_path: Path) -> None:
    path = runs[0] / f"translations/test.en-az.own.{module}.Same"
    assert set(path.read_text().splitlines()) == {"0.0\t1.0", "100.0\t1.0"}
    path.write_text(path.read_text().replace("100.0\t1.0", "0.0\t1.0"))
    forget(module, tmp_path)
    with pytest.raises(ConfigError, match=rf"{module}:Same of en-az in .*poor-1: .* on record, 0\.0000 from"):
        compare(runs, tmp_path / "out", Question(resamples=200), lambda line: None)


def change_record(run: Path, name: str, **changes: Any) -> None:
    made = json.loads((run / "scores.json").read_text())["evaluation"]
    edit_json(run / "scores.json", evaluation=made | {name: made[name] | changes})


def test_runs_whose_records_differ_are_refused(module: str, runs: list[Path], tmp_path: Path) -> None:
    change_record(runs[0], f"{module}:Same", higher_is_better=False)
    with pytest.raises(ConfigError, match=rf"(?s)not comparable:.*{module}:Same: .*'higher_is_better': False.* in "):
        compare(runs, tmp_path / "out", Question(resamples=200), lambda line: None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "<b>"}, r":Same: label: string should match pattern"),
        ({"digits": 1.5}, r":Same: digits: input should be a valid integer, found 1\.5"),
        ({"bounds": [1, 1]}, r":Same: bounds: must be the lowest score and a higher one"),
        ({"unit": "x" * 41}, r":Same: unit: string should match"),
    ],
)
def test_a_damaged_record_is_named(module: str, runs: list[Path], change: dict[str, Any], message: str) -> None:
    change_record(runs[0], f"{module}:Same", **change)
    with pytest.raises(CheckpointError, match=message):
        read_scores(runs[0])


@pytest.mark.parametrize(
    ("section", "value", "message"),
    [
        ("en-az", {"score": "high", "signature": "x"}, r"en-az: {}:Same: score: input should be a valid number"),
        ("en-az", 3.0, r"en-az: {}:Same: must hold keys, found 3\.0"),
        ("averages", "high", r"{}:Same: score: input should be a valid number"),
    ],
)
def test_damaged_scores_are_named(module: str, runs: list[Path], section: str, value: Any, message: str) -> None:
    content = json.loads((runs[0] / "scores.json").read_text())
    place = content["averages"]["all"] if section == "averages" else content[section]
    place[f"{module}:Same"] = value
    (runs[0] / "scores.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=message.replace("{}", module)):
        read_scores(runs[0])


def test_other_systems_are_compared_without_it(module: str, runs: list[Path], tmp_path: Path) -> None:
    forget(module, tmp_path)
    for path in runs[0].glob(f"translations/*.own.{module}.Same"):
        path.unlink()
    found = compare(runs, tmp_path / "out", Question(resamples=200), lambda line: None)
    assert f"no same: {runs[0]} were evaluated without it; evaluate with --set " in "".join(found.warnings)
    assert f"'evaluation.metrics=[bleu,{module}:Longer,{module}:Same]'" in "".join(found.warnings)


def test_a_label_that_is_taken_gives_way_to_the_name(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first: Metric = read_metric(f"{module}:Same", OWN)
    monkeypatch.setattr(unchecked(sys.modules[module]).Longer, "label", "same")
    second = read_metric(f"{module}:Longer", OWN)
    assert [METRICS[metric.name].label for metric in (first, second)] == ["same", f"{module}:Longer"]
    monkeypatch.setattr(unchecked(sys.modules[module]).Longer, "label", "other")
    read_metric(f"{module}:Longer", OWN)
    assert METRICS[second.name].label == "other"


def test_what_an_earlier_evaluation_kept_goes(module: str, runs: list[Path]) -> None:
    from catscale.evaluation.decoding.contract import Wanted
    from catscale.evaluation.translations import SplitTexts

    left = runs[0] / f"translations/test.en-az.own.{module}.Same"
    other = runs[0] / f"translations/test.en-azb.own.{module}.Same"
    other.write_text("")
    Translations(runs[0], "test", "en-az").write(SplitTexts([], [], []), Wanted())
    assert (left.exists(), other.exists()) == (False, True)


def test_the_one_of_the_page_is_one(module: str, tmp_path: Path) -> None:
    blocks = read_blocks(ROOT / "docs" / "adding" / "metric.md")
    (code,) = [block.text for block in blocks if block.language == "python" and not block.title]
    (tmp_path / f"{module}.py").write_text(code)
    metric = read_metric({"method": f"{module}:LengthError", "most": 0.5}, OWN)
    check_metric(metric)
    assert metric.score(TEXTS)["score"] == pytest.approx((0.2 * 5 + 0.5 * 5) / 15)
