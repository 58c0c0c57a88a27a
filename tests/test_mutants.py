"""Every planted defect finds its place: its old text stands once in its file, and the test that must notice exists."""

import importlib
import pkgutil
from pathlib import Path

import pytest
from benchmarks import mutants

ROOT = Path(__file__).parent.parent
LISTS = sorted(found.name for found in pkgutil.iter_modules(mutants.__path__) if found.name != "__main__")


@pytest.mark.parametrize("name", LISTS)
def test_every_mutant_finds_its_place(name: str) -> None:
    for path, old, new, target in importlib.import_module(f"benchmarks.mutants.{name}").MUTANTS:
        assert (ROOT / path).read_text(encoding="utf-8").count(old) == 1, (path, old)
        assert old != new
        assert (ROOT / target.partition("::")[0]).exists(), target
