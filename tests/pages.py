"""Reads the code blocks of a page of the documentation, and does what they say in a copy of the tree."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>\w+)(?P<options>[^\n]*)\n(?P<text>.*?)^(?P=fence)$", re.M | re.S)
COPIED = ("src", "tests", "docs", "configs", "examples", "benchmarks")
ONE_INTERPRETER = """
import runpy, shlex, sys
import pytest
for line in sys.argv[1:]:
    python, *arguments = shlex.split(line)
    assert python == "python"
    if arguments[:2] == ["-m", "pytest"]:
        if status := pytest.main(arguments[2:]):
            sys.exit(status)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Block:
    """One fenced block of a page.

    Attributes:
        language: As in "python", "diff", "sh".
        title: The value of `title="…"`, a file's path for what is written; empty where there is none.
        text: The lines between the fences.
    """

    language: str
    title: str
    text: str


def read_blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page in their order."""
    found = FENCE.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["language"], title_of(m["options"]), m["text"]) for m in found]


def title_of(options: str) -> str:
    """Return the title among a fence's options.

    >>> title_of(' title="src/x.py" linenums="1"'), title_of("")
    ('src/x.py', '')
    """
    match = re.search(r'title="([^"]*)"', options)
    return match[1] if match else ""


def apply_diff(text: str, diff: str) -> str:
    """Return the text with every hunk applied; hunks are parted by lines that begin with `@@`.

    A hunk has no line numbers: its lines that begin with a space or `-` must be found exactly once.

    >>> apply_diff("a\\nb\\nc\\n", " a\\n-b\\n+B\\n@@\\n c\\n+d\\n")
    'a\\nB\\nc\\nd\\n'
    """
    for hunk in re.split(r"^@@.*\n", diff, flags=re.M):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] or "\n" for line in lines if line[0] in " -\n")
        after = "".join(line[1:] or "\n" for line in lines if line[0] in " +\n")
        found = len(re.findall(rf"^{re.escape(before)}", text, re.M))
        if found != 1:
            raise AssertionError(f"a hunk must be found once, found {found} times:\n{hunk}")
        text = re.sub(rf"^{re.escape(before)}", after.replace("\\", "\\\\"), text, flags=re.M)
    return text


def copy_tree(target: Path) -> None:
    """Copy what a page may change, and what its checks read; compiled files too, which are valid for the copies."""
    for folder in COPIED:
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("*.egg-info"))
    for path in ROOT.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy2(path, target)


def write_block(block: Block, tree: Path) -> None:
    """Write the file that a block names, or change it where the block is a diff."""
    path = tree / block.title
    if block.language == "diff":
        path.write_text(apply_diff(path.read_text(encoding="utf-8"), block.text), encoding="utf-8")
        return
    if path.exists():
        raise AssertionError(f"{block.title} is there already; a change of it is a diff")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")


def checksums(tree: Path) -> dict[str, str]:
    """Return the SHA-256 of every file by its path, but for Python's and the tools' caches."""
    hidden = re.compile(r"(^|/)(__pycache__|\.[^/]+)(/|$)")
    files = (path for path in tree.rglob("*") if path.is_file())
    named = {path.relative_to(tree).as_posix(): path for path in files}
    return {name: sha256(path.read_bytes()).hexdigest() for name, path in named.items() if not hidden.search(name)}


def run_together(lines: Iterable[str], folder: Path, source: Path) -> "subprocess.CompletedProcess[str]":
    """Run lines that each begin with `python`, in one interpreter, which imports the libraries once; a line that is
    repeated, once."""
    command = shlex.join(["python", "-c", ONE_INTERPRETER, *dict.fromkeys(lines)])
    return run_commands(command, folder, source)


def run_commands(text: str, folder: Path, source: Path) -> "subprocess.CompletedProcess[str]":
    """Run the lines of a shell block with this interpreter and the package under `source`."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(source),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "100",
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
    }
    command = ["sh", "-e", "-c", text]
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
