"""`benchmarks/gpu.py` on a processor at a tiny size: its sections, limits, table and file."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from benchmarks import gpu
from benchmarks.device import carried, sections
from benchmarks.device.bench import Bench, open_bench

from catscale.model.transformer import PRESETS
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
        for table in ("SETTINGS", "BALANCING", "DECODING"):
            monkeypatch.setattr(sections, table, dict(list(getattr(sections, table).items())[:2]))
    rows = [{"section": section.name, **row} for row in section.run(quick)]
    assert rows
    assert all("note" in row or row["rate"] > 0 for row in rows)
    text = gpu.render({"how": {"device": "x" * 100}, "rows": rows, "sections": {}})
    assert all(len(line) <= 80 for line in text.splitlines())
    if section.name == "equal":
        assert all(row["difference"] < 1e-6 for row in rows)


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


def test_missing_packages_are_named_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "NEEDED", ("torch", "no_such_package", "no_such.part"))
    assert gpu.main([]) == 2
    assert capsys.readouterr().out.startswith("missing here: no_such_package, no_such.part; install them")
