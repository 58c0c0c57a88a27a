"""What a reader wants to know first, from the records of runs and from their weights."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from catscale.report.history import read_runs
from catscale.report.training_table import (
    Training,
    count_parameters,
    list_facts,
    make_training_table,
    summarise_training,
)
from tests.report.fakes import make_comparison


@pytest.fixture
def comparison(tmp_path):
    return make_comparison(tmp_path / "runs", methods={"T=1": 1.0, "x": None}, steps=160, analysis=False)


def test_parameters_are_counted_from_the_weights(tmp_path):
    save_file({"a": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float16)}, tmp_path / "model.safetensors")
    assert count_parameters(tmp_path) == 17
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    assert count_parameters(tmp_path) is None
    assert count_parameters(tmp_path / "nowhere") is None


def test_facts_of_runs_that_are_alike_and_that_are_not(comparison, tmp_path):
    best = tmp_path / "runs" / "m0" / "seed-1" / "best"
    best.mkdir()
    save_file({"a": np.zeros((1000, 4), np.float32)}, best / "model.safetensors")
    (best / "step.json").write_text(json.dumps({"step": 120, "average": "last 5"}))
    runs = read_runs(comparison)
    first, second = summarise_training(comparison, runs)
    assert (first.parameters, first.best, first.steps) == (4000, [120], [160, 160])
    assert (first.averages, second.averages) == (["last 5"], [])
    assert "120 (last 5)</td>" in make_training_table([first, second])
    assert first.tokens == [320_000.0, 320_000.0]
    assert first.seconds == [16.0, 16.0]
    assert (second.parameters, second.best) == (None, [])
    facts = dict(list_facts(comparison, [first, replace(second, steps=[100])], runs))
    assert facts["Model"] == "4,000 parameters"
    assert facts["Steps"] == "100 to 160"
    assert facts["Target tokens"] == "320,000"
    assert facts["Methods"] == "2 × 2 seeds"


def assert_column_where_needed(one: Training, other: Training, head: str, text: str) -> None:
    """A column that only the first of two methods has something for is there with it, and not without it."""
    table, plain = make_training_table([one, other]), make_training_table([other, other])
    assert head in table
    assert text in table
    assert head not in plain
    assert table.count("<td") - plain.count("<td") == 2


def test_directions_that_were_given_up_are_named(comparison):
    first, second = read_runs(comparison)[:2]
    marked = [
        replace(run, valid=[*run.valid, *({"step": step, "given_up": ["en-<az>"]} for step in steps)])
        for run, steps in ((first, [1300, 1200]), (second, [1100]))
    ]
    assert first.method == second.method
    given_up, other = summarise_training(comparison, marked)
    assert (given_up.given_up, other.given_up) == (["en-<az>, step 1,100"], [])
    assert_column_where_needed(given_up, other, "given up", "en-&lt;az&gt;, step 1,100")


def test_without_records_there_is_less(comparison):
    runs = [replace(run, train=[], valid=[], folder=run.folder / "gone") for run in read_runs(comparison)]
    facts = dict(list_facts(comparison, summarise_training(comparison, runs), runs))
    assert set(facts) == {"Date", "Methods", "Data"}


def test_the_direction_that_was_repeated_most_is_named(comparison):
    runs = read_runs(comparison)
    first, second, *others = runs
    marked = [
        replace(run, valid=[*run.valid, *({"step": step, "epochs": epochs} for step, epochs in records)])
        for run, records in (
            (first, [(100, {"en-az": 90.0, "en-fr": 1.0}), (200, {"en-<az>": 41.4, "en-fr": 2.0})]),
            (second, [(200, {"en-<az>": 43.6, "en-fr": 2.0}), (300, {})]),
        )
    ]
    seen, other = summarise_training(comparison, [*marked, *others])
    assert (seen.seen_most, other.seen_most) == (["en-<az>, 41 to 44 epochs"], [])
    assert_column_where_needed(seen, other, "seen most", "en-&lt;az&gt;, 41 to 44 epochs")
