"""Follows every page of `docs/adding` to the letter: its toy is added to a copy of the tree, and nothing else."""

import re
from pathlib import Path

import pytest

from tests.pages import ROOT, apply_diff, checksums, copy_tree, read_blocks, run_commands, run_together, write_block

FOLDER = ROOT / "docs" / "adding"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Return the names of the files that are new, gone or different."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def made_by_commands(page: Path) -> set[str]:
    """Return the files that the page says its commands make."""
    match = re.search(r"^Made by the commands: (.+)\.$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return set(re.findall(r"`([^`]+)`", match[1])) if match else set()


def check_output(output: str, runs: int) -> None:
    """Assert that this many runs of pytest passed something and left nothing out."""
    assert output.count(" passed") == runs, output
    assert not re.search(r"\d (skipped|failed|error)", output), output


def check_style(names: set[str], tree: Path) -> None:
    python = " ".join(sorted(name for name in names if name.endswith(".py")))
    style = run_commands(f"ruff check {python}\nruff format --check {python}", tree, tree)
    assert style.returncode == 0, style.stdout + style.stderr


def write_page(page: Path, tree: Path) -> tuple[set[str], str]:
    """Write what a page has written; return the names of the files, and its checks."""
    blocks = read_blocks(page)
    written = [block for block in blocks if block.title and block.language != "sh"]
    checks = [block.text for block in blocks if block.language == "sh" and block.title == "Check"]
    assert written
    assert checks
    for block in written:
        write_block(block, tree)
    return {block.title for block in written}, "".join(checks)


@pytest.mark.timeout(900)  # it imports the package from a fresh copy
def test_the_toys_of_all_pages_are_added_by_the_files_that_they_name_alone(tmp_path: Path) -> None:
    copy_tree(tmp_path)
    before = checksums(tmp_path)
    pages = [write_page(page, tmp_path) for page in PAGES]
    lines = [line for _, checks in pages for line in checks.splitlines()]
    done = run_together(lines, tmp_path, tmp_path / "src")
    assert done.returncode == 0, done.stdout + done.stderr
    check_output(done.stdout, sum("pytest" in line for line in lines))
    named = set[str]().union(*(names for names, _ in pages))
    assert changed(before, checksums(tmp_path)) == named.union(*map(made_by_commands, PAGES))
    check_style(named, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_toy_of_a_page_needs_no_other_page(page: Path, tmp_path: Path) -> None:
    copy_tree(tmp_path)
    before = checksums(tmp_path)
    named, checks = write_page(page, tmp_path)
    done = run_commands(checks, tmp_path, tmp_path / "src")
    assert done.returncode == 0, done.stdout + done.stderr
    check_output(done.stdout, checks.count("-m pytest"))
    assert changed(before, checksums(tmp_path)) == named | made_by_commands(page)
    check_style(named, tmp_path)


def test_the_index_names_every_page() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((\w+\.md)\)", index)) == {page.name for page in PAGES}


def test_a_hunk_that_fits_nowhere_or_twice_is_refused() -> None:
    with pytest.raises(AssertionError, match="a hunk must be found once, found 0 times"):
        apply_diff("a\n", "-b\n+c\n")
    with pytest.raises(AssertionError, match="a hunk must be found once, found 2 times"):
        apply_diff("a\na\n", " a\n+c\n")


def test_a_new_file_does_not_replace_one(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('```python title="page.md"\nx = 1\n```\n', encoding="utf-8")
    with pytest.raises(AssertionError, match=r"page\.md is there already; a change of it is a diff"):
        write_block(read_blocks(page)[0], tmp_path)
