"""Folders of results of version 0.1, told by what they hold."""

from collections.abc import Callable
from pathlib import Path

import pytest

from catscale.errors import CatscaleError
from catscale.run.folder.output import (
    COMPARISON,
    DEMO,
    STATISTICS,
    SWEEP,
    is_earlier_comparison,
    is_earlier_demo,
    is_earlier_statistics,
    is_earlier_sweep,
)
from catscale.system.writing.markers import check_claim

COMPARED = ("comparison.json", "comparison.csv", "report.html")
MEASURED = ("stats.json", "stats.html", "figures/a.png")


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


@pytest.mark.parametrize(
    ("names", "tells"),
    [
        (COMPARED, is_earlier_comparison),
        ((*COMPARED, "data.csv", "figures/a.png"), is_earlier_comparison),
        (MEASURED, is_earlier_statistics),
        (("T=5/seed-1.yaml", "T=5/seed-1.log", "notes.txt"), is_earlier_sweep),
        (("T=5/seed-1/metrics.jsonl",), is_earlier_sweep),
        (("T=5/seed-1/metrics.jsonl",), is_earlier_comparison),
        (("T=5/seed-1/metrics.jsonl",), is_earlier_demo),
    ],
)
def test_what_a_command_left(tmp_path, names: tuple[str, ...], tells: Callable[[Path], bool]):
    assert tells(fill(tmp_path, *names))


@pytest.mark.parametrize(
    ("names", "tells"),
    [
        (COMPARED[:2], is_earlier_comparison),
        ((*COMPARED, "thesis.tex"), is_earlier_comparison),
        (MEASURED[:2], is_earlier_statistics),
        ((*MEASURED, "thesis.tex"), is_earlier_statistics),
        (("T=5/seed-1.yaml",), is_earlier_sweep),
        (("seed-1/metrics.jsonl",), is_earlier_sweep),
        (("T=5/other/metrics.jsonl",), is_earlier_sweep),
        (("corpus/en.txt",), is_earlier_demo),
        ((), is_earlier_comparison),
    ],
)
def test_what_somebody_else_has_there(tmp_path, names: tuple[str, ...], tells: Callable[[Path], bool]):
    assert not tells(fill(tmp_path, *names))


def test_links_in_the_place_of_files_tell_nothing(tmp_path):
    fill(tmp_path / "theirs", "metrics.jsonl")
    (tmp_path / "ours" / "T=5" / "seed-1").mkdir(parents=True)
    (tmp_path / "ours" / "T=5" / "seed-1" / "metrics.jsonl").symlink_to(tmp_path / "theirs" / "metrics.jsonl")
    assert not is_earlier_sweep(tmp_path / "ours")


@pytest.mark.parametrize("kind", [COMPARISON, STATISTICS, SWEEP, DEMO], ids=lambda kind: kind.name)
def test_a_folder_with_a_thesis_is_refused_by_every_command(tmp_path, kind):
    check_claim(tmp_path / "new", kind)
    with pytest.raises(
        CatscaleError, match=rf"is not a {kind.name}'s folder: it holds 'thesis.tex' and no .catscale, .* an empty or"
    ):
        check_claim(fill(tmp_path / "theirs", "thesis.tex"), kind)
