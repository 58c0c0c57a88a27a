"""`benchmarks/gpu.py` on a processor at a tiny size: its sections, limits, table and file."""

import gc
import json
import re
import time
import tomllib
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from benchmarks import gpu
from benchmarks.device import carried, equality, rivals, sections
from benchmarks.device.bench import Bench, open_bench

from catscale.data.store.store import Store
from catscale.model.transformer import PRESETS
from catscale.run.config import RunConfig
from catscale.training.trainer import Trainer
from tests.data.toy_corpora import write_moses

FEW = (8, 10)  # in the place of 58, which take ten times as long to prepare


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("carried")
    sizes = {"train": 120, "val": 4, "test_2016_flickr": 4}
    corpus = write_moses(folder / "corpus", sizes, ("en", "de", "az"))
    for count in FEW:
        carried.make(corpus, folder, count, 130 + 2 * count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.device.bench.DIRECTIONS", FEW)
        return open_bench(folder, "cpu", True)


@pytest.fixture
def quick(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setitem(PRESETS, "tiny", {"layers": 1, "width": 16, "feed_forward": 16, "heads": 2})
    return Bench(bench.device, bench.stores, 64, bench.presets, 0.0)


def test_each_direction_has_its_lines_of_one_target(bench: Bench) -> None:
    assert {count: len(store.directions) for count, store in bench.stores.items()} == {8: 8, 10: 10}
    sizes = {len(bench.stores[8].split("train", d)) for d in bench.stores[8].directions}
    assert sizes == {30}  # 120 lines of two targets, four directions each


@pytest.mark.parametrize("section", sections.SECTIONS, ids=lambda section: section.name)
def test_every_section_gives_rows_that_the_table_can_show(quick: Bench, section: Any, monkeypatch: Any) -> None:
    if section.name in ("setting", "balance", "decode"):  # a line each of what the others do too
        for table in ("SETTINGS", "BALANCING", "DECODING", "CONVERTED"):
            monkeypatch.setattr(sections, table, dict(list(getattr(sections, table).items())[:2]))
    rows = [{"section": section.name, **row} for row in section.run(quick)]
    assert rows
    assert all("note" in row or row["rate"] > 0 for row in rows)
    text = gpu.render({"how": {"device": "x" * 100}, "rows": rows, "sections": {}})
    assert all(len(line) <= 80 for line in text.splitlines())
    if section.name == "equal":
        assert all(row["ok"] for row in rows)
        assert all(max(row["differences"].values()) < 1e-6 for row in rows if row["name"].endswith("fp32"))
    if section.name == "balance":
        assert [row["tasks"] for row in rows] == [8, 8, 10, 10]
        assert all("rate" in row for row in rows)
    if section.name == "decode":
        by_ctranslate2 = [row for row in rows if row["name"].startswith("CTranslate2")]
        assert by_ctranslate2[0]["rate"] > 0
        assert by_ctranslate2[1]["note"].startswith("none: evaluation.precision is bfloat16")  # not on a CPU


def test_a_row_of_all_tasks_is_none_where_a_step_lacks_one(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"name": "x", "rate": 5.0, "tasks": 7}
    monkeypatch.setattr(Bench, "measure_training", lambda *arguments: row)
    assert sections.measure_all_tasks(quick, "x", (), 7, 1) == row
    assert sections.measure_all_tasks(quick, "x", (), 8, 1)["note"] == "none: 7 of 8 tasks in a step"
    monkeypatch.undo()
    drawn = quick.measure_training("x", ["training.sub_batch_tokens=16"], directions=10)
    assert 0 < drawn["tasks"] < 10  # what is drawn does not hold all tasks


def test_ctranslate2_is_left_out_where_it_is_not_installed(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catscale.evaluation.decoding.choice.find_spec", lambda name: None)
    monkeypatch.setattr(sections, "DECODING", {})
    rows = list(sections.measure_decoding(quick))
    assert [row["name"] for row in rows] == list(sections.CONVERTED)
    assert all(re.match("none: .* needs CTranslate2, which is not installed", row["note"]) for row in rows)


def test_the_models_of_earlier_rows_are_dropped(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the collector's own turns, which come when they come."""
    models: list[weakref.ref[torch.nn.Module]] = []
    alive: list[int] = []

    def look(found: torch.nn.Module) -> None:
        alive.append(sum(model() is not None for model in models))
        models.append(weakref.ref(found))

    train, build = Bench.train, rivals.plain_model

    def training(bench: Bench, config: RunConfig, store: Store, folder: str) -> Trainer:
        trainer = train(bench, config, store, folder)
        look(trainer.model)
        return trainer

    def building(bench: Bench) -> Any:
        look(found := build(bench))
        return found

    monkeypatch.setattr(Bench, "train", training)
    monkeypatch.setattr(rivals, "plain_model", building)
    monkeypatch.setattr(sections, "BALANCING", dict(list(sections.BALANCING.items())[:2]))
    gc.disable()
    try:
        for section in (sections.measure_balancing, rivals.measure_rivals):
            assert all("note" not in row for row in section(quick))
        quick.clear()
        alive.append(sum(model() is not None for model in models))
    finally:
        gc.enable()
    assert alive == [0] * (4 + 4 + 1)


def test_a_device_whose_gradients_are_twice_as_large_is_told(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which neither Adam's first steps nor clipped gradients tell: all parameters go the same way."""
    train, count = Bench.train, 0

    def training(bench: Bench, config: RunConfig, store: Store, folder: str) -> Trainer:
        nonlocal count
        trainer = train(bench, config, store, folder)
        count += 1
        if count == 2:
            for parameter in trainer.named.values():
                parameter.register_hook(lambda gradient: 2 * gradient)
        return trainer

    monkeypatch.setattr(Bench, "train", training)
    monkeypatch.setattr(equality, "METHODS", {"fixed": equality.METHODS["fixed"]})
    monkeypatch.setattr(equality, "BARS", {"fp32": equality.BARS["fp32"]})
    (row,) = equality.compare_a_step(quick)
    assert not row["ok"]
    assert row["differences"] == {"loss": 0, "gradient": pytest.approx(1), "parameter": pytest.approx(1), "weights": 0}
    assert row["way"] < 0.05


def test_every_setting_that_is_measured_is_one_of_this_version(quick: Bench) -> None:
    usual = quick.configure([])
    assert usual.training.compile is False
    for name, settings in {**sections.SETTINGS, **sections.DECODING}.items():
        found = quick.configure([setting.format(tokens=quick.tokens) for setting in settings])
        assert (found == usual) is (name == "as it is")
    asked = [name for name in sections.SETTINGS if "compiled" in name]
    assert list(sections.SETTINGS)[-len(asked) :] == asked


def test_a_setting_of_other_versions_is_a_line_that_says_so(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "SETTINGS", {"no such": ("training.no_such=1",)})
    apart, row = sections.measure_settings(quick)
    assert apart["rate"] > 0
    assert row["note"].startswith("none: ")


def test_what_was_measured_before_a_limit_is_kept(tmp_path: Path) -> None:
    def slow(bench: Bench) -> Iterator[dict[str, Any]]:
        yield {"name": "first", "rate": 5.0}
        time.sleep(60)
        yield {"name": "second", "rate": 6.0}

    def broken(bench: Bench) -> Iterator[dict[str, Any]]:
        yield {"name": "third", "rate": 7.0, "ms": 1.0, "share": 0.405, "gib": 2.25}
        raise ValueError("of no use")

    report: dict[str, Any] = {"how": {}, "sections": {}, "rows": []}
    path = tmp_path / "gpu.json"
    gpu.run_section(SimpleNamespace(name="a", run=slow), None, report, 1.1, path)
    gpu.run_section(SimpleNamespace(name="b", run=broken), None, report, 60, path)
    gpu.run_section(SimpleNamespace(name="c", run=broken), None, report, 0.5, path)
    assert [row["name"] for row in json.loads(path.read_text())["rows"]] == ["first", "third"]
    outcomes = {name: found["outcome"] for name, found in report["sections"].items()}
    assert outcomes == {"a": "cut off after 1 s", "b": "ValueError: of no use", "c": "no time was left"}
    lines = gpu.render(report).splitlines()
    assert lines[2].split() == ["b:", "third", "7", "1.0", "40%", "2.2"]
    assert lines[3:] == ["a: cut off after 1 s", "b: ValueError: of no use", "c: no time was left"]


def swallow(bench: Bench) -> Iterator[dict[str, Any]]:
    """Sleep for ten seconds, whatever error comes between."""
    yield {"name": "first", "rate": 5.0}
    for _ in range(10):
        with suppress(Exception):
            time.sleep(1)


def swallow_all(bench: Bench) -> Iterator[dict[str, Any]]:
    """Sleep for two minutes, and begin anew where something ends the first one."""
    yield {"name": "second", "rate": 5.0}
    try:
        time.sleep(60)
    except BaseException:
        time.sleep(60)


def test_a_limit_is_kept_where_errors_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "AGAIN", 0.3)
    report: dict[str, Any] = {"how": {}, "sections": {}, "rows": []}
    started = time.monotonic()
    gpu.run_section(SimpleNamespace(name="a", run=swallow), None, report, 1.1, None)
    gpu.run_section(SimpleNamespace(name="b", run=swallow_all), None, report, 1.1, None)
    assert time.monotonic() - started < 20
    assert [found["outcome"] for found in report["sections"].values()] == ["cut off after 1 s"] * 2
    time.sleep(0.7)  # nothing comes after the end


def read_outcome(path: Path) -> str:
    return str(json.loads(path.read_text())["sections"]["open"]["outcome"])


def test_missing_packages_are_named_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "NEEDED", ("torch", "no_such_package", "no_such.part"))
    assert gpu.main(["--json", str(tmp_path / "gpu.json")]) == 2
    message = "missing here: no_such_package, no_such.part; install them, and see pyproject.toml for their versions"
    assert message in capsys.readouterr().out
    assert read_outcome(tmp_path / "gpu.json") == message


def test_an_old_torch_is_named_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.9.1+cu128")
    assert gpu.main(["--json", str(tmp_path / "gpu.json")]) == 2
    assert read_outcome(tmp_path / "gpu.json") == "torch must be 2.11 or later, found 2.9.1+cu128; install torch>=2.11"


@pytest.mark.parametrize("version", ["2.11.0", "2.13.0+cpu", "3.0", "2.11a0+git"])
def test_versions_of_torch_that_will_do(version: str) -> None:
    gpu.require_torch(version)


def test_the_least_version_of_torch_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(gpu.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert f"torch>={'.'.join(map(str, gpu.TORCH))}" in project["dependencies"]


def test_what_fails_before_the_first_section_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gpu.json"
    assert gpu.main(["--json", str(path), "--carried", str(tmp_path / "none"), "--device", "cpu"]) == 2
    assert str(tmp_path / "none" / "8-directions") in read_outcome(path)
    assert json.loads(path.read_text())["rows"] == []


def test_the_command_ends_with_one_where_the_device_is_not_equal(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[dict[str, Any]] = [{"name": "x", "ok": True, "note": "ok"}]
    monkeypatch.setattr(sections, "open_bench", lambda *arguments: bench)
    monkeypatch.setattr(sections, "SECTIONS", [sections.Section("equal", 5, lambda bench: iter(rows))])
    assert gpu.main(["--json", str(tmp_path / "gpu.json")]) == 0
    rows.append({"name": "y", "ok": False, "note": "NOT ok"})
    assert gpu.main(["--json", str(tmp_path / "gpu.json")]) == 1
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert report["how"]["torch"] == torch.__version__
    assert [row["ok"] for row in report["rows"]] == [True, False]
