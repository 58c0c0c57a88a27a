"""How a table of experiments is judged: in which metric, and against which row."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from experiments.run import compare_rows, write_results
from experiments.summary import summarise_comparison
from experiments.tables import Table, load_table

from catscale.errors import ConfigError
from catscale.run.sweep_plan import PlannedRun
from tests.comparison.fakes import write_run

ROWS: dict[str, Any] = {"plain": {"method": "T=1"}, "flat": {"method": "T=5"}, "ours": {"method": "T=5+cats"}}
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {"sampling": {"temperature": 1}},
    "flat": {"sampling": {"temperature": 5}},
    "ours": {"sampling": {"temperature": 5}, "balancing": {"method": "cats"}},
}
JUDGED = {"metric": "nll", "baseline": {"row": "flat", "why": "as the paper has it"}}


def load(folder: Path, changes: dict[str, Any], metrics: tuple[str, ...] = ("bleu", "chrf")) -> Table:
    """A table of three rows and two seeds, judged as it says."""
    content = {
        "config": {
            "data": {"format": "moses", "path": "corpus", "source": "en", "targets": "all"},
            "evaluation": {"metrics": list(metrics)},
        },
        "rows": ROWS,
        "tables": {"main": {"question": "?", "rows": list(ROWS), "seeds": [1, 2], "splits": ["dev", "test"]} | changes},
    }
    path = folder / "toys.yaml"
    path.write_text(yaml.safe_dump(content))
    return load_table(path, "main", folder)


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All runs of the table but for the second seed of `ours`; on dev T = 1 has the best BLEU, T = 5 the least NLL."""
    for row in load(tmp_path, {}).rows:
        if (row.method, row.seed) == ("ours", 2):
            continue
        dev = 0.9 if row.method == "plain" else 0.6
        write_run(row.folder, 0.5, row.seed, dev, sizes={"en-az": 500}, sentences=30, **SETTINGS[row.method])
        path = row.folder / "scores.dev.json"
        content = json.loads(path.read_text())
        content["averages"]["all"]["nll"] = 3.0 if row.method == "plain" else 2.0
        path.write_text(json.dumps(content))
    monkeypatch.setattr(PlannedRun, "is_done", property(lambda run: run.folder.is_dir()))
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "baseline", "reason", "metric"),
    [
        ({}, "plain", r"best of 2 temperatures by mean BLEU on the dev set: plain \d+\.\d\d, flat", None),
        ({"metric": "nll"}, "flat", r"of 2 temperatures by mean NLL on the dev set: plain 3\.000, flat 2\.000$", "nll"),
        ({"baseline": JUDGED["baseline"]}, "flat", "^as the paper has it$", None),
        ({"baseline": {"row": "plain", "why": "so"}, "metric": "chrf"}, "plain", "^so$", "chrf"),
    ],
)
def test_a_table_says_how_it_is_judged(
    changes: dict[str, Any], baseline: str, reason: str, metric: str | None, trained: Path
) -> None:
    """The seed of a row that lacks one is not compared."""
    table = load(trained, changes)
    found = compare_rows(table, trained)
    assert found is not None
    assert found.metric == (metric or "bleu")
    assert len(found.methods) == 2
    told = summarise_comparison(table, found)
    assert told["baseline"] == baseline
    assert re.search(reason, told["reason"])
    assert told.get("metric") == metric
    assert told["differences"].keys() == {"plain", "flat"} - {baseline}


def test_a_named_baseline_that_lacks_a_seed_is_waited_for(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """The numbers of the runs are written meanwhile."""
    table = load(trained, {"baseline": {"row": "ours", "why": "so"}})
    asked: list[Any] = []
    monkeypatch.setattr(
        "experiments.run.summarise", lambda *given: asked.append(given) or {"groups": {}, "rows": {}, "machine": ""}
    )
    write_results(table, trained, trained / "results")
    assert asked == [(table, None)]
    told = capsys.readouterr().out
    assert "no row is compared yet: the baseline 'ours' is not done with every seed" in told
    assert (trained / "results" / "toys-main.json").is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"judged": "nll"},
            r"the table 'main' has unknown keys: judged; known: question, rows, seeds, splits, metric, b",
        ),
        (
            {"metric": "bleurt"},
            r"metric of the table 'main' must be .*, found 'bleurt'; write one of nll, bleu, chrf, or",
        ),
        (
            {"metric": "ter"},
            r"must be one that its runs are scored in, found 'ter'; .* or add it to evaluation.metrics",
        ),
        ({"metric": ["nll"]}, r"must be one that its runs are scored in, found \['nll'\]"),
        ({"metric": None}, r"must be one that its runs are scored in, found None"),
        (
            {"baseline": "flat"},
            r"must be \{row: one of its rows, why: the reason\}, found 'flat'; .* plain, flat, ours",
        ),
        ({"baseline": {"row": "T=7", "why": "so"}}, r"baseline of the table 'main' must be .* found \{'row': 'T=7'"),
        ({"baseline": {"row": "flat"}}, r"the baseline of the table 'main' must be"),
        (
            {"baseline": {"row": "flat", "why": " "}},
            r"the reason for the baseline .* must be in words, found ' '; write",
        ),
        ({"baseline": {"row": "flat", "why": 7}}, r"the reason for the baseline .* must be in words, found 7; write"),
        (
            {**JUDGED, "splits": ["dev"]},
            r"has metric and baseline, but rows are compared on test alone, .* are dev; add",
        ),
    ],
)
def test_other_ways_to_judge_are_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, changes)


def test_a_metric_that_runs_are_scored_in_is_taken(tmp_path: Path) -> None:
    assert load(tmp_path, {"metric": "ter"}, metrics=("bleu", "ter")).metric == "ter"
