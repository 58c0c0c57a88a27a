"""The measures of the source find what is planted."""

from pathlib import Path

import pytest
from benchmarks.house.imports import find_knots, find_late, find_upward, read_imports

FILES = {
    "errors.py": "",
    "data/__init__.py": "",
    "data/store.py": "from catscale import errors, run\nfrom catscale.data import table\n",
    "data/table.py": "def read():\n    from catscale.data.store import Store\n    import babel\n",
    "run/__init__.py": "import catscale.errors\nfrom catscale.report import page\n",
    "integrations/hook.py": "from catscale.balancing import CATS\nfrom catscale.data.store import Store\n",
    "model/build.py": "from catscale.recipes import fetch\nfrom catscale.errors import Error\n",
}


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_imports_upward_and_across_are_found(planted: Path) -> None:
    assert find_upward(read_imports(planted)) == [
        "data.store:1 → catscale.run",
        "integrations.hook:2 → catscale.data.store",
        "model.build:1 → catscale.recipes",
    ]


def test_circles_are_found_through_late_imports_too(planted: Path) -> None:
    assert find_knots(read_imports(planted)) == [["data.store", "data.table"]]


def test_imports_inside_functions_are_found(planted: Path) -> None:
    found = [(one.late_key, one.line) for one in find_late(read_imports(planted))]
    assert found == [("data.table → catscale", 2), ("data.table → babel", 3)]
