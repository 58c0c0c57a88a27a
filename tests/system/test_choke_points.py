"""Foreign text leaves by few doors, each of which makes it safe: nothing else prints, draws tables or writes CSV.

JSON and YAML come in by one door each, with limits and schemas; no pickle is read.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "catscale"
DOORS = {
    "print": {"system/console/messages.py"},
    "sys.stdout.write": {"data/preparation/worker.py"},  # a pipe to its parent, not a terminal
    "sys.stderr.write": set[str](),
    "sys.stdout.buffer": set[str](),
    "sys.stderr.buffer": set[str](),
    "rich": set[str](),
    "rich.print": set[str](),
    "rich.console": {"system/console/terminal.py"},
    "rich.table": {"system/console/terminal.py"},
    "rich.text": {"system/console/terminal.py"},
    "rich.markup": set[str](),
    "rich.live": set[str](),
    "rich.logging": set[str](),
    "rich.traceback": set[str](),
    "rich.progress.TextColumn": {"system/console/progress.py"},  # reads markup unless told not to
    "rich.progress.track": set[str](),
    "csv.writer": {"system/console/csv_text.py"},
    "csv.DictWriter": set[str](),
    "html.escape": {"system/console/safe_text.py"},
    "vl_convert": {"report/export.py"},
    "warnings.warn": {"balancing/engine/first_step.py"},  # of the library, to its programmer; names by their repr
    "logging.getLogger": set[str](),
    "traceback.print_exc": set[str](),
    "yaml.load": set[str](),
    "yaml.safe_load": set[str](),
    "yaml.unsafe_load": set[str](),
    "yaml.full_load": set[str](),
    "yaml.safe_dump": set[str](),
    "yaml.dump": {"system/reading/yaml_file.py"},
    "yaml.SafeLoader": {"system/reading/yaml_file.py"},
    "json.load": set[str](),
    "json.loads": {
        "system/reading/json_file.py",
        "data/preparation/workers.py",  # a pipe from its child
        "data/preparation/worker.py",  # a pipe from its parent
        "evaluation/metrics/comet_script.py",  # a pipe from its parent, in an interpreter without catscale
        "data/formats/jsonl.py",  # a corpus, line by line
        "report/published.py",  # the package's own
        "report/figures/theme.py",  # the drawing library's
        "balancing/checks.py",  # what it wrote itself
        "training/checkpointing/checkpoint.py",  # a copy of what is in memory
        "distributed/agreement.py",  # from the other processes of a run
    },
    "pickle": set[str](),
    "torch.load": set[str](),
}


def find_uses(code: str) -> Iterator[tuple[str, int]]:
    """Dotted names that a module imports, reads or calls, as they are called where they come from, with their lines."""
    tree = ast.parse(code)
    aliases = {"print": "print"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                aliases[name.asname or name.name.partition(".")[0]] = (
                    name.name if name.asname else name.name.partition(".")[0]
                )
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                aliases[name.asname or name.name] = f"{node.module}.{name.name}"
                yield f"{node.module}.{name.name}", node.lineno
                if "." in node.module:  # `from rich import box` is no way to print
                    yield node.module, node.lineno
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value == "vl_convert":
            yield "vl_convert", node.lineno
        if isinstance(node, ast.Attribute | ast.Name) and (dotted := _dotted(node)):
            head, dot, rest = dotted.partition(".")
            if head in aliases:
                yield f"{aliases[head]}{dot}{rest}", node.lineno


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def find_side_doors(code: str, place: str) -> list[str]:
    return sorted(
        {f"{place}:{line}: {name}" for name, line in find_uses(code) if place not in DOORS.get(name, {place})}
    )


def test_text_leaves_by_the_doors_alone() -> None:
    found = [
        each
        for path in sorted(SOURCE.rglob("*.py"))
        for each in find_side_doors(path.read_text(encoding="utf-8"), path.relative_to(SOURCE).as_posix())
    ]
    assert not found, (
        "use system.console.messages to print, system.console.terminal for tables, system.console.progress for bars, "
        "system.console.csv_text for CSV, system.console.safe_text.for_page for HTML, report.export to draw, "
        "system.reading.json_file and yaml_file to read"
    )


def test_every_door_is_there() -> None:
    for name, places in DOORS.items():
        for place in places:
            assert name in {used for used, _ in find_uses((SOURCE / place).read_text(encoding="utf-8"))}, (name, place)


@pytest.mark.parametrize(
    "code",
    ["print(1)", "p = print", "import sys\nsys.stderr.write('x')", "import sys as s\ns.stdout.write('x')",
     "import rich\nrich.print('x')", "from rich import print", "from rich import console",
     "from rich.console import Console",
     "from rich.table import Table as Grid", "def f():\n    from rich.markup import escape",
     "from rich.progress import TextColumn", "import rich.progress as p\np.TextColumn('x')",
     "import csv\ncsv.writer(f)",
     "from csv import DictWriter", "from html import escape", "import html\nhtml.escape('x')", "import vl_convert",
     "from importlib import import_module\nimport_module('vl_convert')",
     "import json\njson.loads('1')", "from json import load", "import yaml\nyaml.safe_load('1')", "import pickle",
     "import torch\ntorch.load('x')"],
)  # fmt: skip
def test_side_doors_are_seen(code: str) -> None:
    assert find_side_doors(code, "report/new.py")


@pytest.mark.parametrize(
    "code",
    ["import csv\ncsv.reader(f)", "from rich import box", "from rich.progress import BarColumn", "self.print(1)"],
)
def test_others_are_free(code: str) -> None:
    assert not find_side_doors(code, "report/new.py")
