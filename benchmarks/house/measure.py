"""All measures of the repository, as a table of numbers and the places of the outliers."""

from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from benchmarks.house import docstrings, imports, mirror, source
from benchmarks.house.source import Found

ROOT = Path(__file__).parents[2]
LARGEST_FILE, LARGEST_FUNCTION = 300, 50


@dataclass(frozen=True)
class Measures:
    """What was measured.

    Attributes:
        numbers: By name, in the order of the table.
        outliers: By name, the places to look at.
    """

    numbers: dict[str, float]
    outliers: dict[str, list[str]]


def measure(root: Path = ROOT) -> Measures:
    """Measure `src` and `tests` of a repository."""
    sources, tests = source.read_sources(root, "src"), source.read_sources(root, "tests")
    found = imports.read_imports(root / "src" / "catscale")
    files, functions = source.measure_files(sources), source.measure_functions(sources)
    lines = sum(file.size for file in files)
    public, typed = docstrings.count_public(sources), len(functions)
    listed: dict[str, list[Found]] = {
        "files over 300 lines": [one for one in files if one.size > LARGEST_FILE],
        "functions over 50 lines": [one for one in functions if one.size > LARGEST_FUNCTION],
        "suppressions": source.find_suppressions(sources),
        "broad excepts": source.find_excepts(sources, bare=False),
        "bare excepts": source.find_excepts(sources, bare=True),
        "getattr, hasattr": source.find_getattr(sources),
        "asserts": source.find_asserts(sources),
        "undocumented names": docstrings.find_undocumented(sources),
        "docstrings that begin with a fragment": docstrings.find_fragments(sources),
        "untyped functions": source.find_untyped(sources),
        "modules without a test of their name": mirror.find_unmirrored(sources, tests),
        "modules that no test names": mirror.find_unnamed(sources, root),
        "examples that do not run": docstrings.find_skipped_examples(sources),
    }
    outliers = {name: [str(one) for one in sorted(ones, key=lambda one: -one.size)] for name, ones in listed.items()}
    outliers |= {
        "import knots": [" ".join(knot) for knot in imports.find_knots(found)],
        "upward imports": imports.find_upward(found),
        "late imports": [f"{one.importer}:{one.line} {one.imported}" for one in found if one.is_late],
        "late imports without a reason": [f"{one.importer}:{one.line}" for one in imports.find_late(found)],
    }
    numbers: dict[str, float] = {"files": len(files), "lines": lines}
    numbers |= {f"file lines, {name}": size for name, size in _spread(files).items()}
    numbers |= {f"function lines, {name}": size for name, size in _spread(functions).items()}
    numbers |= {name: len(ones) for name, ones in outliers.items()}
    numbers["docstrings %"] = round(100 * (1 - len(listed["undocumented names"]) / public), 1)
    numbers["typed %"] = round(100 * (1 - len(listed["untyped functions"]) / typed), 1)
    numbers["test lines a source line"] = round(sum(test.lines for test in tests) / lines, 3)
    modules = sum(not one.path.stem.startswith("__") for one in sources)
    numbers["mirror %"] = round(100 * (1 - len(listed["modules without a test of their name"]) / modules), 1)
    numbers["examples in docstrings"] = sum(one.size for one in docstrings.find_examples(sources))
    return Measures(numbers, outliers)


def _spread(found: list[Found]) -> dict[str, float]:
    sizes = [one.size for one in found]
    deciles = quantiles(sizes, n=10, method="inclusive")
    return {"median": round(deciles[4]), "p90": round(deciles[8]), "largest": max(sizes)}
