"""The measures of the source find what is planted."""

from pathlib import Path

import pytest
from benchmarks.house import docstrings, mirror, source
from benchmarks.house.imports import (
    find_commands_that_import_commands,
    find_knots,
    find_late,
    find_upward,
    read_imports,
)
from benchmarks.house.measure import ROOT, Measures, measure

FILES = {
    "errors.py": "",
    "data/__init__.py": "",
    "data/store.py": "from catscale import errors, run\nfrom catscale.data import table\n",
    "data/table.py": "def read():\n    from catscale.data.store import Store\n    import babel\n",
    "run/__init__.py": "import catscale.errors\nfrom catscale.report import page\n",
    "integrations/hook.py": "from catscale.balancing import CATS\nfrom catscale.report import page\n",
    "run/commands/train.py": "from catscale.run.commands import compare\n",
    "run/commands/compare.py": "",
    "model/build.py": "from catscale.recipes import fetch\nfrom catscale.errors import Error\n",
}
SOURCE = '''"""What it does."""
import os


class Store:
    """Where pairs are kept."""

    @property
    def size(self) -> int:
        """The number of pairs."""
        return getattr(self, "_size", 0)

    def read(self, index):
        """The pair of an index.

        >>> 1 + 1
        2
        """
        try:
            assert index
        except (ValueError, Exception):
            pass

    def __len__(self) -> int:
        return 0  # type: ignore[misc]


def write(pairs: list[str], *more: str) -> None:
    """Write pairs."""
    try:
        os.sync()
    except:  # noqa: E722
        pass


def public(): ...
'''


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_imports_upward_and_across_are_found(planted: Path) -> None:
    assert find_upward(read_imports(planted)) == [
        "data.store:1 → catscale.run",
        "integrations.hook:2 → catscale.report",
        "model.build:1 → catscale.recipes",
    ]


def test_circles_are_found_through_late_imports_too(planted: Path) -> None:
    assert find_knots(read_imports(planted)) == [["data.store", "data.table"]]


def test_commands_that_import_commands_are_found(planted: Path) -> None:
    assert find_commands_that_import_commands(read_imports(planted)) == ["run.commands.train:1"]


def test_imports_inside_functions_are_found(planted: Path) -> None:
    found = [(one.late_key, one.line) for one in find_late(read_imports(planted))]
    assert found == [("data.table → catscale", 2), ("data.table → babel", 3)]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One module of some code, one that nothing tests, and a test of the first."""
    files = {
        "src/catscale/__init__.py": '"""A package."""',
        "src/catscale/data/store.py": SOURCE,
        "src/catscale/data/table.py": "A = 1\nB = 2\n",
        "tests/data/test_store_more.py": "from catscale.data import store\n\n\ndef test_it() -> None: ...\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_habits_are_found_where_they_stand(repository: Path) -> None:
    sources = source.read_sources(repository, "src")
    assert [one.path.name for one in sources] == ["store.py", "table.py"]

    def names(found: list[source.Found]) -> list[str]:
        return [f"{one.name}:{one.line}" for one in found]

    assert names(source.find_suppressions(sources)) == ["type: ignore:25", "noqa:32"]
    assert names(source.find_excepts(sources, bare=False)) == ["except:21"]
    assert names(source.find_excepts(sources, bare=True)) == ["except:32"]
    assert names(source.find_getattr(sources)) == ["getattr:11"]
    assert names(source.find_asserts(sources)) == ["assert:20"]
    assert sorted(names(source.find_untyped(sources))) == ["public:36", "read:13"]
    sizes = {one.name: one.size for one in source.measure_functions(sources)}
    assert sizes == {"size": 3, "read": 10, "__len__": 2, "write": 6, "public": 1}


def test_docstrings_are_read(repository: Path) -> None:
    sources = source.read_sources(repository, "src")
    undocumented = [one.name for one in docstrings.find_undocumented(sources)]
    assert undocumented == ["public", "module"]  # a magic method needs none
    found = [one.name for one in docstrings.find_fragments(sources)]
    assert found == ["module: What …", "Store: Where …", "read: The …"]
    assert [(one.name, one.size) for one in docstrings.find_examples(sources)] == [("read", 1)]
    assert docstrings.find_skipped_examples(sources) == []


def test_modules_without_a_test_are_found(repository: Path) -> None:
    sources, tests = source.read_sources(repository, "src"), source.read_sources(repository, "tests")
    assert [one.name for one in mirror.find_unmirrored(sources, tests)] == ["table"]
    assert [one.name for one in mirror.find_unnamed(sources, repository)] == ["table"]


def test_the_table_has_a_number_for_every_list_of_places(repository: Path) -> None:
    found = measure(repository)
    assert found.outliers.keys() <= found.numbers.keys()
    assert (found.numbers["files"], found.numbers["mirror %"], found.numbers["function lines, largest"]) == (2, 50, 10)


MOST: dict[str, float] = {
    "file lines, median": 120,
    "file lines, p90": 250,
    "files over 300 lines": 0,
    "function lines, median": 12,
    "function lines, p90": 25,
    "functions over 50 lines": 0,
    "import knots": 0,
    "upward imports": 0,
    "late imports without a reason": 0,
    "suppressions": 4,
    "bare excepts": 0,
    "undocumented names": 0,
    "docstrings that begin with a fragment": 0,
    "untyped functions": 0,
    "examples that do not run": 0,
}
"""Bounds of the measures of this repository: `python -m benchmarks.house` prints them all, and the outliers."""


@pytest.fixture(scope="module")
def here() -> Measures:
    return measure(ROOT)


@pytest.mark.parametrize("name", MOST)
def test_the_source_keeps_within_its_bounds(here: Measures, name: str) -> None:
    assert here.numbers[name] <= MOST[name], here.outliers.get(name)


def test_a_line_of_the_source_has_a_line_of_tests(here: Measures) -> None:
    assert here.numbers["test lines a source line"] >= 1
