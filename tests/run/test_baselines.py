"""Baselines of a sampler: read from a run that the user names, and from no other."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from catscale.errors import ConfigError
from catscale.run.baselines import fill_baselines, read_losses
from catscale.run.config import dump_config, load_config, parse_config
from catscale.sampling import ChiSquare, TemperatureSampling
from tests.unchecked import unchecked

DATA = {"data": {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}}


def write_run(folder: Path, records: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    (folder / "metrics.jsonl").write_text("".join(json.dumps({"time": 0.0, **record}) + "\n" for record in records))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    train = [{"kind": "train", "step": n, "nll": {"en-az": 10.0 - n, "en-fr": 2.0}} for n in range(1, 13)]
    dev = [{"kind": "valid", "step": n, "nll": {"en-az": value}} for n, value in ((4, 3.0), (8, 2.5), (12, 2.75))]
    return write_run(tmp_path / "before", [*train, *dev, {"kind": "valid", "step": 13, "nll": {"en-az": None}}])


def test_the_latest_training_losses_and_the_lowest_on_dev(run: Path) -> None:
    train, dev = read_losses(run, "x")
    assert train == {"en-az": pytest.approx(sum(10 - n for n in range(3, 13)) / 10), "en-fr": 2.0}
    assert dev == {"en-az": 2.5}


OF_EACH = {"chi_square": {"en-az": 2.5, "en-fr": 2.0}, "adaptive_scheduling": {"en-az": 2.5}}


@pytest.mark.parametrize("method", OF_EACH)
def test_they_are_filled_in_once(run: Path, tmp_path: Path, method: str) -> None:
    expected = OF_EACH[method]
    content = DATA | {"sampling": {"method": method, "baseline_run": str(run)}}
    config = parse_config(content, "x")
    sampling = unchecked(config.sampling)
    assert sampling.baselines == expected
    assert sampling.baseline_run is None
    path = tmp_path / "config.yaml"
    path.write_text(dump_config(config))
    assert load_config(path).sampling == sampling


def test_a_training_by_the_clock_may_have_them(run: Path) -> None:
    content = DATA | {"sampling": {"method": "adaptive_scheduling", "baseline_run": str(run)}}
    timed = content | {"training": {"max_minutes": 5}}
    assert unchecked(parse_config(timed, "x").sampling).baselines == {"en-az": 2.5}


def test_a_run_s_own_record_is_not_followed(run: Path, tmp_path: Path) -> None:
    content = DATA | {"sampling": {"method": "chi_square", "baseline_run": str(run)}}
    (tmp_path / "environment.json").write_text("{}")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    assert unchecked(load_config(tmp_path / "config.yaml").sampling).baselines is None


def test_what_is_no_run_with_losses(tmp_path: Path) -> None:
    for folder, message in (
        (tmp_path / "nowhere", "baseline_run must be the folder of a run, found .*nowhere"),
        (
            write_run(tmp_path / "new", []),
            "baseline_run must be a run with losses on record, found none in .*new; train it first$",
        ),
    ):
        with pytest.raises(ConfigError, match=f"x: sampling.{message}"):
            parse_config(DATA | {"sampling": {"method": "chi_square", "baseline_run": str(folder)}}, "x")


def test_a_task_counts_with_the_records_that_have_it(tmp_path: Path) -> None:
    rows: list[dict[str, float | None] | None] = [{"en-az": 4.0}, {"en-az": None, "en-fr": 1.0}, None, {"en-az": 2.0}]
    records = [{"kind": kind, "step": n, "nll": row} for n, row in enumerate(rows, 1) for kind in ("train", "valid")]
    folder = write_run(tmp_path / "some", [*records, {"kind": "sample", "step": 5, "nll": {"en-az": 0.0, "xx": 1.0}}])
    assert read_losses(folder, "x") == ({"en-az": 3.0, "en-fr": 1.0}, {"en-az": 2.0, "en-fr": 1.0})


@pytest.mark.parametrize("kind", ["train", "valid"])
def test_losses_of_training_and_of_validation_are_both_needed(tmp_path: Path, kind: str) -> None:
    folder = write_run(tmp_path / "half", [{"kind": kind, "step": 1, "nll": {"en-az": 3.0}}])
    with pytest.raises(ConfigError, match=r"^origin: sampling.baseline_run must be a run with losses on record"):
        fill_baselines(ChiSquare(baseline_run=folder), "origin")


def test_a_run_is_not_read_where_baselines_are_given_or_none_is_named(tmp_path: Path) -> None:
    given = ChiSquare(baselines={"en-az": 1.0}, baseline_run=tmp_path / "nowhere")
    for sampling in (given, ChiSquare(), TemperatureSampling()):
        assert fill_baselines(sampling, "x") is sampling
