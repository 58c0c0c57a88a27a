"""The examples in docstrings give what they say."""

import doctest
import importlib
import pkgutil

import catscale

MODULES = sorted(module.name for module in pkgutil.walk_packages(catscale.__path__, "catscale."))


def test_examples_of_docstrings() -> None:
    attempted, failed = 0, []
    for name in MODULES:
        if name.endswith(("__main__", "worker")):
            continue  # programs
        try:
            module = importlib.import_module(name)
        except ImportError:  # an extra that is not installed
            continue
        found = doctest.testmod(module)
        attempted += found.attempted
        failed += [name] * found.failed
    assert failed == []  # what was expected and found stands above
    assert attempted > 70
