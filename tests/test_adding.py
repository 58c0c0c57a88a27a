"""Follows every page of `docs/adding` to the letter: its toy is added to a copy of the tree, and nothing else."""

import re
from pathlib import Path

import pytest

from tests.pages import ROOT, apply_diff, checksums, copy_tree, read_blocks, run_commands, write_block

FOLDER = ROOT / "docs" / "adding"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Return the names of the files that are new, gone or different."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def made_by_commands(page: Path) -> set[str]:
    """Return the files that the page says its commands make."""
    match = re.search(r"^Made by the commands: (.+)\.$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return set(re.findall(r"`([^`]+)`", match[1])) if match else set()


@pytest.mark.timeout(900)  # each imports the package from a fresh copy
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_toy_of_a_page_is_added_by_the_files_that_it_names_alone(page: Path, tmp_path: Path) -> None:
    copy_tree(tmp_path)
    before = checksums(tmp_path)
    blocks = read_blocks(page)
    written = [block for block in blocks if block.title and block.language != "sh"]
    checks = [block for block in blocks if block.language == "sh" and block.title == "Check"]
    assert written
    assert checks
    for block in written:
        write_block(block, tmp_path)
    for block in checks:
        done = run_commands(block.text, tmp_path, tmp_path / "src")
        assert done.returncode == 0, done.stdout + done.stderr
        assert " passed" in done.stdout
        assert not re.search(r"\d (skipped|failed|error)", done.stdout), done.stdout
    named = {block.title for block in written}
    assert changed(before, checksums(tmp_path)) == named | made_by_commands(page)
    python = [name for name in named if name.endswith(".py")]
    style = run_commands(f"ruff check {' '.join(python)}\nruff format --check {' '.join(python)}", tmp_path, tmp_path)
    assert style.returncode == 0, style.stdout + style.stderr


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
