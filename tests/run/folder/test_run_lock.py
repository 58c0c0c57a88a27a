"""A folder is held by one process, and by none after its end."""

import fcntl
import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import pytest

from catscale.errors import CatscaleError, CheckpointError
from catscale.run.folder.run_lock import hold_lock, is_held
from tests.system.plants import KINDS, plant, snapshot


def test_the_second_is_told_who_holds_it(tmp_path):
    assert not is_held(tmp_path, "train")
    with hold_lock(tmp_path, "train"):
        assert is_held(tmp_path, "train")
        message = rf"is in use: `catscale train` runs there since .* as process {os.getpid()} on .*; wait until it ends"
        with pytest.raises(CheckpointError, match=message), hold_lock(tmp_path, "train"):
            pass
        with hold_lock(tmp_path, "evaluate"):  # another command has a lock of its own
            pass
    assert not is_held(tmp_path, "train")
    assert list(tmp_path.iterdir()) == []


def test_it_is_free_after_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="x"), hold_lock(tmp_path, "train"):
        raise RuntimeError("x")
    with hold_lock(tmp_path, "train"):
        pass


def hold_for_ever(folder: Path) -> None:
    with hold_lock(folder, "train"):
        (folder / "holds").touch()
        time.sleep(600)


def test_it_is_free_after_a_kill(tmp_path):
    child = multiprocessing.get_context("spawn").Process(target=hold_for_ever, args=(tmp_path,))
    child.start()
    deadline = time.monotonic() + 60
    while not (tmp_path / "holds").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(CheckpointError, match=f"as process {child.pid} on"), hold_lock(tmp_path, "train"):
        pass
    child.kill()
    child.join()
    assert json.loads((tmp_path / ".train.lock").read_text())["pid"] == child.pid  # the file stays, the lock does not
    with hold_lock(tmp_path, "train"):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_lock_that_does_not_say_whose_it_is(tmp_path, content):
    with hold_lock(tmp_path, "train"):
        (tmp_path / ".train.lock").write_text(content)
        with pytest.raises(CheckpointError, match="runs there; wait until it ends"), hold_lock(tmp_path, "train"):
            pass


def test_a_lock_that_is_removed_by_its_holder_while_another_waits(tmp_path, monkeypatch):
    """The second opened the file before the first removed it: it must not hold a file that is no longer there."""
    first = hold_lock(tmp_path, "train")
    first.__enter__()
    flock = fcntl.flock
    calls: list[Any] = []

    def flock_late(descriptor: int, how: int) -> None:
        if not calls:
            calls.append(first.__exit__(None, None, None))
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock_late)
    with hold_lock(tmp_path, "train"):
        assert calls
        assert is_held(tmp_path, "train")
        assert (tmp_path / ".train.lock").exists()


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with hold_lock(tmp_path, "train"):
        pass


def test_a_folder_that_cannot_be_written_to(tmp_path):
    with pytest.raises(CatscaleError, match=r"cannot lock .*\.train\.lock"), hold_lock(tmp_path / "gone", "train"):
        pass


@pytest.mark.parametrize("content", ["precious", "[1]", "5", '{"mine": 1}', "null"])
def test_a_file_that_is_no_lock_is_not_written_over(tmp_path, content):
    (tmp_path / ".train.lock").write_text(content)
    with (
        pytest.raises(CatscaleError, match=r"\.train\.lock is where catscale keeps a lock, and holds something else"),
        hold_lock(tmp_path, "train"),
    ):
        pass
    assert (tmp_path / ".train.lock").read_text() == content


@pytest.mark.parametrize("content", ["", '{"pid": 1}', '{"pid": 12, "ho'])
def test_what_an_earlier_holder_left_is(tmp_path, content):
    (tmp_path / ".train.lock").write_text(content)
    with hold_lock(tmp_path, "train"):
        assert json.loads((tmp_path / ".train.lock").read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_regular_file_is_locked(tmp_path, kind):
    folder = tmp_path / "run"
    folder.mkdir()
    plant(folder / ".train.lock", kind, tmp_path / "theirs")
    before = snapshot(tmp_path / "theirs")
    with pytest.raises(CatscaleError, match=r"\.train\.lock is (a|the same)"), hold_lock(folder, "train"):
        pass
    assert not is_held(folder, "train")
    assert snapshot(tmp_path / "theirs") == before
