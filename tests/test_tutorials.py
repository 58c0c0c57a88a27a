"""Follows the tutorials: their files are written, their commands run, and their outputs compared."""

import re
from pathlib import Path

import pytest
import yaml

from catscale.cli.parser import build_parser
from catscale.run.config import parse_config
from tests.pages import ROOT, Block, read_blocks, run_commands

FOLDER = ROOT / "docs" / "tutorials"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


def test_every_command_is_one() -> None:
    commands = [line for page in FOLDER.glob("*.md") for line in shell_lines(page) if line.startswith("catscale ")]
    assert len(commands) >= 5
    for command in commands:
        build_parser().parse_args(command.split()[1:])


def shell_lines(page: Path) -> list[str]:
    text = "".join(block.text for block in read_blocks(page) if block.language == "sh")
    return [line.rpartition("| ")[2] for line in text.replace("\\\n", "").splitlines()]


def test_the_configuration_loads() -> None:
    (block,) = [block for block in read_blocks(FOLDER / "own-corpus.md") if block.title == "my.yaml"]
    assert parse_config(yaml.safe_load(block.text), "my.yaml").balancing.name == "fixed"


def test_the_library_in_one_s_own_loop(tmp_path: Path) -> None:
    follow(FOLDER / "own-loop.md", tmp_path)


def test_the_corpus_and_what_is_in_it(tmp_path: Path) -> None:
    follow(FOLDER / "own-corpus.md", tmp_path, only=("make_corpus", "data stats"), exact=True)


@pytest.mark.slow
def test_training_on_one_s_own_corpus_and_a_sweep(tmp_path: Path) -> None:
    follow(FOLDER / "own-corpus.md", tmp_path)
    follow(FOLDER / "sweep.md", tmp_path)


def follow(page: Path, folder: Path, only: tuple[str, ...] = ("",), exact: bool = False) -> None:
    """Write the page's files, run its commands, and look for what it shows of their outputs.

    Args:
        page: A tutorial; an output follows the commands it is of. A file that is named again is continued.
        folder: To work in.
        only: Commands that contain one of these are run, the others are not.
        exact: Whether numbers are compared; another processor gives others where something was trained.
    """
    found = ""
    for block in read_blocks(page):
        if block.language == "sh" and not block.title:
            found = run(block, folder) if any(part in block.text for part in only) else ""
        elif block.title == "Output" and found:
            missing = find_missing(block.text, found, exact)
            assert missing is None, f"{page.name} shows, and there is not: {missing}\n\n{found}"
        elif block.title and block.title != "Output":
            with (folder / block.title).open("a", encoding="utf-8") as file:
                file.write(block.text)


def run(block: Block, folder: Path) -> str:
    done = run_commands(block.text.replace("python loop.py", "python -W ignore loop.py"), folder, ROOT / "src")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr + done.stdout


def find_missing(shown: str, found: str, exact: bool = False) -> str | None:
    """Return the first shown line that is not found after those before it; `…` stands for anything.

    >>> find_missing("a 1\\n…\\nb 2.5\\n", "a 7\\nother\\nb 3.25\\n")
    >>> find_missing("a 1\\nb 2\\n", "b 2\\na 1\\n")
    'b 2'
    """

    def plain(text: str) -> list[str]:
        lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
        return lines if exact else [loosen(line) for line in lines]

    rest = plain(found)
    for line, original in zip(plain(shown), shown.splitlines(), strict=True):
        if line in ("", "…"):
            continue
        if line not in rest:
            return original
        rest = rest[rest.index(line) + 1 :]
    return None


def loosen(line: str) -> str:
    """Return a line without what another processor may find: numbers, signs, stars, the words of a verdict."""
    line = re.sub(r"^(\w+ against|baseline:).*", r"\1", line)
    return NUMBER.sub("#", line.replace("−", "+").replace("*)", ")"))


def test_an_output_that_is_not_there_is_named() -> None:
    assert find_missing("a 1\n", "a 2\n", exact=True) == "a 1"
    assert find_missing("a 1\n", "a 2\n") is None
    assert find_missing("a\nb\n", "b\na\n") == "b"
