"""Which modules have a test of their name, and how much there is of tests beside the source."""

import re
from pathlib import Path

from benchmarks.house.source import Found, Source


def find_unmirrored(sources: list[Source], tests: list[Source]) -> list[Found]:
    """Find the modules without a test file of their name in the tests of their wing.

    `tests/WING/**/test_NAME.py` is one of the module NAME, and so is `test_NAME_more.py`.
    """
    names = [(test.path.parts[1], test.path.stem) for test in tests if test.path.stem.startswith("test_")]
    found = []
    for source in sources:
        name, wing = source.path.stem, source.path.parts[2].removesuffix(".py")
        is_tested = any(
            folder in (wing, f"test_{wing}.py") and re.fullmatch(rf"test_{re.escape(name)}(_\w+)?", stem)
            for folder, stem in names
        )
        if not name.startswith("__") and not is_tested:
            found.append(Found(source.path, 1, name, source.lines))
    return found


def find_unnamed(sources: list[Source], root: Path) -> list[Found]:
    """Find the modules that no test, benchmark or example names: what tests them does so through others."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("tests", "benchmarks", "examples", "experiments")
        for path in (root / folder).rglob("*.py")
    )
    found = []
    for source in sources:
        module = ".".join(source.path.with_suffix("").parts[1:])
        package, _, name = module.rpartition(".")
        is_named = re.search(rf"{re.escape(module)}\b", text) or re.search(
            rf"from {re.escape(package)} import [\w, ]*\b{name}\b", text
        )
        if not is_named and not name.startswith("__"):
            found.append(Found(source.path, 1, name, source.lines))
    return found
