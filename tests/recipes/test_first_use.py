"""The record beside a file, and what it is compared with."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from catscale.errors import DataError
from catscale.recipes.first_use import check_file, digests, is_known, read_lock
from catscale.recipes.remote_file import RemoteFile

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
PLAIN = RemoteFile(url="https://example.org/a")
KNOWN = RemoteFile(url="https://example.org/a", sha256=HELLO, bytes=5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "a").write_bytes(b"hello")
    return tmp_path / "a"


def test_digests_are_the_known_ones(path: Path) -> None:
    assert digests(path) == {"sha256": HELLO, "md5": "5d41402abc4b2a76b9719d911017c592"}


def test_a_file_of_the_recipe_s_checksum_is_recorded_in_silence(path: Path) -> None:
    said: list[str] = []
    check_file(path, "a", KNOWN, said.append)
    record = json.loads((path.parent / "a.lock.json").read_text())
    assert (record["sha256"], record["bytes"], record["checked"]) == (HELLO, 5, "sha256 of the recipe")
    assert said == []
    assert is_known(path, "a", KNOWN)


def test_the_first_use_is_said_and_expected_from_then_on(path: Path) -> None:
    said: list[str] = []
    check_file(path, "a", PLAIN, said.append)
    assert HELLO in said[0]
    check_file(path, "a", PLAIN, said.append)
    assert len(said) == 1
    path.write_bytes(b"jello")
    with pytest.raises(DataError, match=r"a has SHA-256 .*a\.lock\.json, written at its first use, says 2cf24dba"):
        check_file(path, "a", PLAIN, said.append)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bytes": 6}, "a has bytes 5, and the recipe says 6"),
        ({"sha256": hashlib.sha256(b"").hexdigest()}, "a has SHA-256 2cf24dba.* the recipe says e3b0c442"),
        ({"md5": hashlib.md5(b"").hexdigest()}, "a has MD5 5d41402a.* the recipe says d41d8cd9"),
    ],
)
def test_another_file_is_refused_and_not_recorded(path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_file(path, "a", PLAIN.model_copy(update=changes), print)
    assert not (path.parent / "a.lock.json").exists()


@pytest.mark.parametrize("text", ["{", "{}", "[]", f'{{"name": "b", "bytes": 5, "sha256": "{HELLO}"}}'])
def test_a_record_of_somebody_else_s_is_not_replaced(path: Path, text: str) -> None:
    lock = path.parent / "a.lock.json"
    lock.write_text(text)
    with pytest.raises(DataError, match=r"a\.lock\.json is there, and is no record of catscale's; move it away"):
        check_file(path, "a", PLAIN, print)
    assert lock.read_text() == text


def test_a_file_that_changed_or_is_gone_is_not_known(path: Path) -> None:
    assert not is_known(path, "a", PLAIN)
    assert read_lock(path, "a") is None
    check_file(path, "a", KNOWN, print)
    assert not is_known(path, "a", KNOWN.model_copy(update={"sha256": "0" * 64}))
    os.utime(path, ns=(1, 1))
    assert not is_known(path, "a", KNOWN)
    path.unlink()
    assert not is_known(path, "a", KNOWN)
