"""Other systems' translations beside runs."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from catscale.comparison.compare import Question, compare_runs
from catscale.comparison.outside import OutsideSystem, parse_outside
from catscale.errors import CheckpointError, ConfigError
from catscale.report.terminal_table import print_comparison
from catscale.run.commands.compare import compare
from catscale.run.folder.evaluated import read_run
from tests.comparison.corpora import references, translate
from tests.comparison.fakes import SIZES, write_run

QUICK = Question(resamples=200)


def write_outputs(folder, quality, seed=0, name="test.{}.hyp", directions=tuple(SIZES)):
    folder.mkdir(parents=True)
    for place, direction in enumerate(SIZES):
        if direction in directions:
            lines = translate(references(60, seed=place), quality, seed)
            (folder / name.format(direction)).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


@pytest.fixture
def runs(tmp_path):
    return [write_run(tmp_path / "runs" / f"t5-{seed}", 0.5, seed) for seed in (1, 2)]


def question(*systems):
    return replace(QUICK, outside=tuple(OutsideSystem(name, tuple(folders)) for name, *folders in systems))


def test_its_scores_are_those_of_its_lines_and_it_has_no_nll(runs, tmp_path):
    folder = write_outputs(tmp_path / "google", 0.8)
    found = compare_runs([read_run(run, "test") for run in runs], question(("Google", folder)))
    lines = (folder / "test.en-az.hyp").read_text().splitlines()
    known = (runs[0] / "translations" / "test.en-az.ref").read_text().splitlines()
    row = found.row("bleu", "en-az", "Google")
    assert row.values == pytest.approx([BLEU().corpus_score(lines, [known]).score])
    assert found.row("chrf", "all", "Google").difference.mean > 0
    assert found.row("nll", "en-az", "Google") is None
    own = found.row("nll", "en-az", "T=5")
    scores = [json.loads((run / "scores.json").read_text())["en-az"]["nll"] for run in runs]
    assert own.values == pytest.approx(scores)
    (method,) = [method for method in found.methods if method.outside]
    assert (method.name, method.seeds, method.folders) == ("Google", [1], [str(folder)])
    assert not any(row.difference.significant for row in found.rows if row.difference)
    json.dumps(found.to_json(), allow_nan=False)


def test_several_outputs_are_seeds(runs, tmp_path):
    outputs = [write_outputs(tmp_path / f"silnlp-{seed}", 0.8, seed) for seed in (1, 2)]
    found = compare_runs([read_run(run, "test") for run in runs], question(("silnlp", *outputs)))
    row = found.row("bleu", "all", "silnlp")
    assert len(row.values) == 2
    assert row.difference.is_decidable


@pytest.mark.parametrize("name", ["{}.hyp", "{}.txt", "{}.out", "{}", "test.{}.txt"])
def test_other_names_of_the_files(runs, tmp_path, name):
    folder = write_outputs(tmp_path / "x", 0.8, name=name)
    found = compare_runs([read_run(run, "test") for run in runs], question(("x", folder)))
    assert found.row("bleu", "all", "x").mean > found.row("bleu", "all", "T=5").mean


def test_one_run_is_enough_beside_it(runs, tmp_path):
    """Through files and the report, whose figures know nothing of it."""
    folder = write_outputs(tmp_path / "x", 0.8)
    said: list[str] = []
    found = compare(runs[:1], tmp_path / "out", question(("x", folder)), said.append)
    assert [method.name for method in found.methods] == ["T=5", "x"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ">x<" in page
    for metric in ("nll", "chrf"):
        found = compare(runs, tmp_path / "out", replace(question(("x", folder)), metric=metric), said.append)
        assert found.verdict.startswith("x against T=5" if metric == "chrf" else "Only T=5 was given")
        print_comparison(found, metric)
    with pytest.raises(ConfigError, match="needs two runs or more"):
        compare(runs[:1], tmp_path / "out", QUICK, said.append)


def test_a_direction_that_it_lacks(runs, tmp_path):
    folder = write_outputs(tmp_path / "x", 0.8, directions=("en-az", "en-fr"))
    loaded = [read_run(run, "test") for run in runs]
    with pytest.raises(ConfigError, match=r"has no translations of en-be; it must hold test\.en-be\.hyp"):
        compare_runs(loaded, question(("x", folder)))
    found = compare_runs(loaded, replace(question(("x", folder)), force=True))
    assert [direction.name for direction in found.directions] == ["en-az", "en-fr"]
    assert "en-be is left out: an outside system has no translations of it" in found.warnings


def test_another_number_of_lines(runs, tmp_path):
    folder = write_outputs(tmp_path / "x", 0.8)
    (folder / "test.en-be.hyp").write_text("one\ntwo\n")
    with pytest.raises(ConfigError, match=r"test\.en-be\.hyp has 2 lines, the test set of en-be has 60 sentences"):
        compare_runs([read_run(run, "test") for run in runs], question(("x", folder)))


def test_bytes_that_are_no_text(runs, tmp_path):
    folder = write_outputs(tmp_path / "x", 0.8)
    (folder / "test.en-be.hyp").write_bytes(b"\xff\n" * 60)
    with pytest.raises(CheckpointError, match=r"test\.en-be\.hyp cannot be read .*; give UTF-8 text"):
        compare_runs([read_run(run, "test") for run in runs], question(("x", folder)))


def test_a_name_that_a_method_has(runs, tmp_path):
    folder = write_outputs(tmp_path / "x", 0.8)
    with pytest.raises(ConfigError, match="--outside T=5: a method of the runs has this name"):
        compare_runs([read_run(run, "test") for run in runs], question(("T=5", folder)))


def test_arguments(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    found = parse_outside([f"x={tmp_path / 'a'}", f"y={tmp_path / 'a'}", f"x={tmp_path / 'b'}"])
    assert [(system.name, len(system.folders)) for system in found] == [("x", 2), ("y", 1)]


@pytest.mark.parametrize("text", ["x", "=a", "x=", "\x1b[31m=a", f"{'x' * 101}=a", " =a"])
def test_arguments_of_another_form(text):
    with pytest.raises(ConfigError, match="expected NAME=FOLDER"):
        parse_outside([text])


def test_a_folder_that_is_none_or_given_twice(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(ConfigError, match="is no folder"):
        parse_outside([f"x={tmp_path / 'b'}"])
    with pytest.raises(ConfigError, match="is given twice for x"):
        parse_outside([f"x={tmp_path / 'a'}", f"x={tmp_path / 'a'}/"])


def test_the_baseline_is_a_method_of_the_runs(runs, tmp_path):
    folder = write_outputs(tmp_path / "x", 0.8)
    with pytest.raises(ConfigError, match="no method 'x' to compare with"):
        compare_runs([read_run(run, "test") for run in runs], replace(question(("x", folder)), baseline="x"))


def test_white_space_and_empty_lines_count(runs, tmp_path):
    """An empty translation is one; a line separator inside a line ends none."""
    folder = write_outputs(tmp_path / "x", 0.8)
    lines = (folder / "test.en-az.hyp").read_text().splitlines()
    lines[0], lines[1], lines[2], lines[-1] = "", "a\u2028b\rc", "d\r", ""
    (folder / "test.en-az.hyp").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    found = compare_runs([read_run(run, "test") for run in runs], question(("x", folder)))
    assert np.isfinite(found.row("chrf", "en-az", "x").mean)
