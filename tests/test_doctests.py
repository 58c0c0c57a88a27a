"""The examples in docstrings give what they say, and all of them are run."""

import doctest
import importlib
import pkgutil

from benchmarks.house.docstrings import find_examples
from benchmarks.house.measure import ROOT
from benchmarks.house.source import read_sources

import catscale

MODULES = sorted(module.name for module in pkgutil.walk_packages(catscale.__path__, "catscale."))
PROGRAMS = ("catscale.__main__", "catscale.data.preparation.worker")


def test_examples_of_docstrings() -> None:
    attempted, failed, left_out = 0, [], []
    for name in MODULES:
        try:
            if name in PROGRAMS:
                continue
            module = importlib.import_module(name)
        except ImportError:  # an extra that is not installed
            left_out.append(name)
            continue
        found = doctest.testmod(module)
        attempted += found.attempted
        failed += [name] * found.failed
    assert failed == []  # what was expected and found stands above
    written = sum(example.size for example in find_examples(read_sources(ROOT, "src")))
    assert attempted == written or left_out
