"""Old and new directions before and after training, from the folders of runs that never were."""

from pathlib import Path
from typing import Any

import pytest

from catscale.comparison.compare import Question, compare_runs
from catscale.comparison.forgetting import BEFORE, divide_directions
from catscale.comparison.result import Comparison, Difference, Forgetting, Row
from catscale.errors import ConfigError
from catscale.run.commands.compare import compare as run_compare
from catscale.run.folder.evaluated import read_run
from tests.comparison.fakes import write_run

SIZES = {"en-fr": 4000, "en-az": 900, "en-be": 500}
MODEL: dict[str, Any] = {"pretrained": "base", "new_languages": {"be": {"tag": "bel_Cyrl"}}}
SMALL: dict[str, Any] = {"sizes": SIZES, "model": MODEL}
FORGETS, KEEPS = "T=5 replay=0", "T=5 replay=0.5"


def start(run: Path, quality: float = 0.6, **settings: Any) -> None:
    """Put the scores of the model before training beside a run's."""
    write_run(run / "base", **{"quality": quality, "seed": 99, **SMALL, **settings})


def make_runs(root: Path, seeds: int = 2, before: float | None = 0.6) -> list[Path]:
    """Make the runs of two methods: one forgets, one does not."""
    methods = {"a": (0.3, {"temperature": 5, "replay": 0.0}), "b": (0.6, {"temperature": 5, "replay": 0.5})}
    runs = [
        write_run(root / name / str(seed), quality, seed, sampling=sampling, **SMALL)
        for name, (quality, sampling) in methods.items()
        for seed in range(1, seeds + 1)
    ]
    if before is not None:
        start(runs[1 % len(runs)], before)
    return runs


def compare(runs: list[Path], **settings: Any) -> Comparison:
    return compare_runs([read_run(run, "test") for run in runs], Question(resamples=300, **settings))


def look(found: Forgetting | None) -> Forgetting:
    assert found is not None
    return found


def row_of(found: Forgetting, over: str, method: str, metric: str = "bleu") -> Row:
    row = found.row(metric, over, method)
    assert row is not None
    return row


def change_of(found: Forgetting, over: str, method: str) -> Difference:
    difference = row_of(found, over, method).difference
    assert difference is not None
    return difference


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compare(make_runs(tmp_path_factory.mktemp("runs")))


@pytest.fixture
def found(comparison: Comparison) -> Forgetting:
    return look(comparison.forgetting)


def test_directions_are_divided_by_what_the_model_knew() -> None:
    names = ["en-fr", "be-fr", "fr-en", "en-be"]
    assert divide_directions(names, {"be": {}}) == (["en-fr", "fr-en"], ["be-fr", "en-be"])
    assert divide_directions(names, {}) == (names, [])


def test_every_method_stands_beside_the_model_before_training(comparison: Comparison, found: Forgetting) -> None:
    assert (found.old, found.new, found.before) == (["en-az", "en-fr"], ["en-be"], BEFORE)
    assert found.methods == [method.name for method in comparison.methods]
    assert set(found.methods) == {FORGETS, KEEPS}
    assert {row.over for row in found.rows} == {"en-az", "en-fr", "en-be", "old", "new"}
    for method in found.methods:
        for direction in (*found.old, *found.new):
            there = comparison.row("bleu", direction, method)
            assert there is not None
            assert row_of(found, direction, method).values == pytest.approx(there.values)
            before = row_of(found, direction, BEFORE)
            assert change_of(found, direction, method).mean == pytest.approx(there.mean - before.mean)
            assert before.difference is None


def test_averages_count_each_direction_once(found: Forgetting) -> None:
    for method in (BEFORE, *found.methods):
        each = [row_of(found, direction, method).mean for direction in found.old]
        assert row_of(found, "old", method).mean == pytest.approx(sum(each) / 2)
        assert row_of(found, "new", method).mean == pytest.approx(row_of(found, "en-be", method).mean)


def test_what_is_forgotten_is_significant_and_what_is_not_is_not(found: Forgetting) -> None:
    forgets, keeps = (change_of(found, "old", method) for method in (FORGETS, KEEPS))
    assert forgets.mean < -10
    assert (forgets.significant, keeps.significant) == (True, False)
    assert forgets.p_seeds is None  # the model before training has no other seeds
    assert forgets.interval[0] < forgets.mean < forgets.interval[1] < 0
    assert forgets.seed_std == row_of(found, "old", FORGETS).std
    assert found.corrected_for == 2 * 5  # methods, and directions with both averages


def test_one_seed_is_judged_as_the_one_model_that_it_is(tmp_path: Path) -> None:
    runs = [make_runs(tmp_path, 1, before=None)[0], write_run(tmp_path / "c", 0.6, 3, **SMALL)]
    assert look(compare(runs).forgetting).reason.startswith("the model before training was not scored; run `catscale ")
    start(runs[0])
    forgets = change_of(look(compare(runs).forgetting), "old", FORGETS)
    assert forgets.significant
    assert forgets.seed_std is None


def test_without_a_base_nothing_is_shown(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / str(t), 0.5, sizes=SIZES, sampling={"temperature": t}) for t in (1, 5)]
    assert compare(runs).forgetting is None


def test_scores_of_another_search_are_not_compared(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, 1, before=None)
    start(runs[0], evaluation={"beam": 9})
    found = look(compare(runs).forgetting)
    assert found.rows == []
    assert "scored with another evaluation.beam; run `catscale evaluate" in found.reason
    assert found.reason.endswith("--model base`")


def test_scores_of_other_directions(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, 1, before=None)
    start(runs[0], sizes={"en-gl": 5})
    assert look(compare(runs).forgetting).reason.endswith("base has none of the compared directions")


def test_methods_that_start_otherwise_are_left_out(tmp_path: Path) -> None:
    run = make_runs(tmp_path, 1, before=None)[0]
    start(run)
    other = write_run(tmp_path / "c", 0.6, sizes=SIZES, model={**MODEL, "pieces": 5})
    found = look(compare([run, other], force=True).forgetting)
    assert len(found.methods) == 1


def test_what_has_no_scores_of_a_metric_is_compared_in_the_others(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, 1, before=None)
    start(runs[0], nll=False)
    assert {row.metric for row in look(compare(runs).forgetting).rows} == {"bleu", "chrf"}


def test_one_run_alone_is_compared_with_the_model_before_training(tmp_path: Path) -> None:
    run = make_runs(tmp_path, 1, before=None)[0]
    with pytest.raises(ConfigError, match=r"a comparison needs two runs or more, found .*; give another folder"):
        run_compare([run], tmp_path / "out", Question(), print)
    start(run)
    found = compare([run])
    assert change_of(look(found.forgetting), "old", "T=5").significant
    assert found.verdict == "Only T=5 was given: there is nothing to compare it with."


def test_the_command_takes_one_run_with_such_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_runs(tmp_path, 1, before=None)[0]
    start(run)
    monkeypatch.setattr("catscale.run.commands.compare.write_comparison", lambda runs, *rest, **named: runs)
    runs: Any = run_compare([run], tmp_path / "out", Question(), print)
    assert [one.folder for one in runs] == [run]


def test_by_default_there_are_as_many_resamples_as_both_corrections_need(tmp_path: Path) -> None:
    few: dict[str, Any] = {**SMALL, "sentences": 4}
    runs = [write_run(tmp_path / str(t), 0.5, sampling={"temperature": t}, **few) for t in (1, 5, 9)]
    start(runs[0], sentences=4)
    found = compare_runs([read_run(run, "test") for run in runs], Question())
    assert look(found.forgetting).corrected_for == 3 * 5
    assert found.resamples == 100 * 3 * 5
