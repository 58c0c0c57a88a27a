"""A metric that only a row of the table knows goes through evaluation, comparison, terminal, CSV and page."""

import csv
import json
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from catscale.comparison.compare import Question
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.metrics.checks import check_metric
from catscale.evaluation.metrics.contract import Floats, Metric, Segments
from catscale.evaluation.metrics.table import METRICS, read_metric
from catscale.report.terminal_table import print_comparison, print_scores
from catscale.run.commands.compare import compare
from catscale.run.folder.readback import read_scores
from catscale.training.dev_scores import list_quick
from catscale.training.records.content import bleu_in_words
from tests.comparison.fakes import write_run


class MissRate(Metric):
    """100 · translations that are not their reference / sentences, times a weight."""

    label: ClassVar[str] = "misses"
    digits: ClassVar[int] = 2
    higher_is_better: ClassVar[bool] = False
    kept: ClassVar[tuple[str, ...]] = ("misses", "sentences")

    method: Literal["misses"] = "misses"
    lowercase: bool = False

    def count(self, segments: Segments) -> Floats:
        """Return whether each is none, and 1."""

        def same(one: str, other: str) -> bool:
            return one.lower() == other.lower() if self.lowercase else one == other

        pairs = zip(segments.hypotheses, segments.references, strict=True)
        return np.array([(float(not same(one, other)), 1.0) for one, other in pairs])

    def from_sums(self, sums: Floats) -> Floats:
        """Return 0 to 100."""
        found: Floats = 100 * sums[..., 0] / sums[..., 1]
        return found

    def sign(self, segments: Segments) -> str:
        """Return the signature."""
        return f"case:{'lower' if self.lowercase else 'mixed'}|version:1"


@pytest.fixture
def metric(monkeypatch: pytest.MonkeyPatch) -> type[Metric]:
    monkeypatch.setitem(METRICS, "misses", MissRate)
    return MissRate


@pytest.fixture
def runs(metric: type[Metric], tmp_path: Path) -> list[Path]:
    """Two methods of three seeds, of which one is clearly better."""
    evaluation: dict[str, Any] = {"metrics": ["bleu", {"method": "misses", "lowercase": True}]}
    made = []
    for seed in (1, 2, 3):
        for name, quality, balancing in (("poor", 0.5, "fixed"), ("good", 0.93, "cats")):
            sections: dict[str, Any] = {"balancing": {"method": balancing}, "evaluation": evaluation}
            made.append(write_run(tmp_path / f"{name}-{seed}", quality, seed, sizes={"en-az": 500}, **sections))
    return made


def test_it_keeps_the_promises_of_metrics(metric: type[Metric]) -> None:
    check_metric(metric.model_validate({"lowercase": True}))


def test_it_is_evaluated_and_its_counts_are_kept(runs: list[Path]) -> None:
    entry = read_scores(runs[0])["en-az"]
    assert set(entry) == {"nll", "bleu", "misses", "sentences"}
    assert entry["misses"]["signature"] == "case:lower|version:1"
    lines = (runs[0] / "translations/test.en-az.misses").read_text().splitlines()
    assert set(lines) == {"0.0\t1.0", "1.0\t1.0"}
    assert entry["misses"]["score"] == pytest.approx(100 * lines.count("1.0\t1.0") / len(lines))
    assert read_scores(runs[0])["averages"]["all"]["misses"] == entry["misses"]["score"]
    assert read_scores(runs[0])["evaluation"]["settings"]["metrics"] == [
        "bleu", {"method": "misses", "lowercase": True}
    ]  # fmt: skip


def test_it_is_compared_with_significance_and_shown(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    found = compare(runs, out, Question(resamples=500, metric="misses"), lambda line: None)
    row = found.row("misses", "all", "T=5 + CATS")
    assert row is not None
    assert row.difference is not None
    assert row.values == pytest.approx([read_scores(run)["en-az"]["misses"]["score"] for run in runs[1::2]])
    assert row.difference.mean < 0
    assert row.difference.significant
    assert found.verdict.startswith("T=5 + CATS against T=5: misses (lower is better) −")
    assert "Significantly better on" in found.verdict
    with (out / "comparison.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["metric"] == "misses"]
    assert [line["method"] for line in lines[:2]] == ["T=5", "T=5 + CATS"]
    assert float(lines[1]["mean"]) == row.mean
    content = json.loads((out / "comparison.json").read_text())
    assert content["signatures"]["misses"] == {"en-az": "case:lower|version:1"}
    page = (out / "report.html").read_text(encoding="utf-8")
    for text in ("misses, lower is better", "misses by direction and method", "misses (all directions): case:lower"):
        assert text in page
    print_comparison(found)
    told = capsys.readouterr().out
    assert "misses on the test set" in told
    assert f"{row.mean:.2f}" in told


def test_one_run_is_shown_with_it(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    print_scores(read_scores(runs[0]), "test")
    told = capsys.readouterr().out.splitlines()
    head = next(line for line in told if "direction" in line)
    assert head.index("NLL") < head.index("BLEU") < head.index("misses")


def test_texts_that_are_not_those_of_its_score_are_noticed(runs: list[Path]) -> None:
    path = runs[0] / "translations/test.en-az.misses"
    path.write_text(path.read_text().replace("1.0\t1.0", "0.0\t1.0"))
    with pytest.raises(Exception, match=r"misses of en-az in .*poor-1: .* on record, 0\.0000 from"):
        compare(runs, path.parent.parent / "out", Question(resamples=200), lambda line: None)


def test_a_damaged_file_of_counts_is_named(runs: list[Path]) -> None:
    (runs[0] / "translations/test.en-az.misses").write_text("1.0\t1.0\n1.0\n")
    with pytest.raises(Exception, match=r"misses, line 2: expected misses and sentences with a tab between, found '1"):
        compare(runs, runs[0].parent / "out", Question(), lambda line: None)


def test_a_validation_computes_what_is_quick_and_says_it(metric: type[Metric]) -> None:
    settings = EvaluationConfig(metrics=(read_metric("chrf++"), read_metric("misses")))
    assert [each.name for each in list_quick(settings)] == ["bleu", "chrf++"]
    assert bleu_in_words({"chrf++": {"en-az": 20.0, "en-be": 30.04}, "misses": {"en-az": 0.5}}) == (
        "  dev chrF++ 25.0  dev misses 0.50"
    )
