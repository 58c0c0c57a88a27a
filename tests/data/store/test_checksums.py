"""Files that are compared with their checksums in the background."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from catscale.data.store.checksums import ChecksumWatch
from catscale.errors import DataError


def write_files(folder: Path, count: int = 5) -> dict[str, dict[str, Any]]:
    """Write some files; return what a manifest says of them."""
    sums = {}
    for number in range(count):
        content = f"content {number}".encode()
        (folder / f"{number}.ids").write_bytes(content)
        sums[f"{number}.ids"] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return sums


@pytest.mark.parametrize("threads", [1, 4, 50])
def test_sound_files_are_confirmed(tmp_path: Path, threads: int) -> None:
    watch = ChecksumWatch(tmp_path, write_files(tmp_path), threads)
    watch.confirm()
    watch.confirm(wait=False)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"content X", r"3\.ids does not match its checksum"),
        (b"content", r"3\.ids has 7 bytes instead of 9"),
        (None, r"3\.ids is missing"),
    ],
)
def test_damage_is_named_each_time(tmp_path: Path, threads: int, content: bytes | None, message: str) -> None:
    sums = write_files(tmp_path)
    if content is None:
        (tmp_path / "3.ids").unlink()
    else:
        (tmp_path / "3.ids").write_bytes(content)
    watch = ChecksumWatch(tmp_path, sums, threads)
    for wait in (True, True, False):
        with pytest.raises(DataError, match=rf"the token store is damaged: .*{message}; delete .* and prepare again"):
            watch.confirm(wait)


def test_no_files_need_no_waiting(tmp_path: Path) -> None:
    ChecksumWatch(tmp_path / "not there", {}, 4).confirm()


def test_what_is_no_damage_is_raised_too(tmp_path: Path) -> None:
    """An entry without a size is a fault of ours: no thread may die of it unseen."""
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(KeyError, match="bytes"):
        ChecksumWatch(tmp_path, {"a": {"sha256": "0" * 64}}, 1).confirm()
