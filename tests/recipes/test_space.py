"""The disk's room is looked at before a download."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from catscale.errors import DataError
from catscale.recipes.space import check_space, format_bytes


def test_what_does_not_fit_is_refused_and_what_does_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=5_000_000))
    check_space(tmp_path, 5_000_000, "the archive")
    with pytest.raises(DataError, match=r"the archive needs 12 MB and .* has 5\.0 MB free; make room, or choose"):
        check_space(tmp_path, 12_000_000, "the archive")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (12_345, "12 kB"), (5e9, "5.0 GB"), (3.2e13, "32.0 TB")],
)
def test_lengths_for_people(count: float, text: str) -> None:
    assert format_bytes(count) == text
