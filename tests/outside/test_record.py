"""Results that grow while a script runs."""

import json
from pathlib import Path

import pytest
from benchmarks.outside.record import Record


def test_a_result_is_made_once_and_written_at_once(tmp_path: Path) -> None:
    path, made = tmp_path / "x.json", list[int]()

    def make() -> int:
        made.append(1)
        return 5

    record = Record(path, {"steps": 3})
    assert record.find("a", make) == record.find("a", make) == 5
    assert json.loads(path.read_text(encoding="utf-8")) == {"settings": {"steps": 3}, "results": {"a": 5}}
    assert Record(path, {"steps": 3}).find("a", make) == 5
    assert made == [1]


def test_the_table_stands_beside_the_results(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    record = Record(path, {})
    record.find("a", lambda: 5)
    record.set_table(("", "n"), [("a", "5")], "A note.")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["heads"], content["lines"], content["note"]) == (["", "n"], [["a", "5"]], "A note.")
    assert content["results"] == {"a": 5}


def test_results_of_other_settings_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    Record(path, {"steps": 3}).find("a", lambda: 5)
    with pytest.raises(SystemExit, match=r"has results of \{'steps': 3\}, asked for \{'steps': 4\}; name another file"):
        Record(path, {"steps": 4})


def test_without_a_file_results_stay_in_memory() -> None:
    record = Record(None, {})
    assert record.find("a", lambda: 5) == 5
    record.set_table([], [], "")
    assert record.results == {"a": 5}
