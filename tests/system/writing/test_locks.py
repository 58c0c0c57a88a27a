"""Locks of the operating system: one holder at a time, none after its end."""

import os
import threading

import pytest

from catscale.errors import CatscaleError
from catscale.system.writing import locks
from catscale.system.writing.locks import is_locked, try_lock, work_alone, write_over


def open_file(path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


def test_one_holder_at_a_time_until_the_file_is_closed(tmp_path):
    first, second = open_file(tmp_path / "lock"), open_file(tmp_path / "lock")
    assert not is_locked(tmp_path / "lock")
    assert try_lock(first) is True
    assert try_lock(second) is False
    assert is_locked(tmp_path / "lock")
    os.close(first)
    assert not is_locked(tmp_path / "lock")
    assert try_lock(second) is True
    os.close(second)


def test_asking_makes_nothing_and_follows_no_link(tmp_path):
    assert not is_locked(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    holder = open_file(tmp_path / "lock")
    assert try_lock(holder)
    (tmp_path / "link").symlink_to(tmp_path / "lock")
    assert not is_locked(tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    assert not is_locked(tmp_path / "pipe")  # and does not wait for a writer
    os.close(holder)


def test_what_an_earlier_holder_left_is_overwritten(tmp_path):
    (tmp_path / "lock").write_text("a longer text")
    descriptor = open_file(tmp_path / "lock")
    os.read(descriptor, 5)
    write_over(descriptor, b"short")
    os.close(descriptor)
    assert (tmp_path / "lock").read_bytes() == b"short"


def test_the_second_waits_and_says_so(tmp_path):
    folder, order, said = tmp_path / "new" / "folder", list[str](), list[str]()
    is_waiting = threading.Event()

    def hear(line: str) -> None:
        said.append(line)
        is_waiting.set()

    def second() -> None:
        with work_alone(folder, "fetch into", "waiting for the other", hear):
            order.append("second")

    thread = threading.Thread(target=second)
    with work_alone(folder, "fetch into", "", said.append):
        thread.start()
        assert is_waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert (order, said) == (["first", "second"], ["waiting for the other"])


def test_a_system_without_locks_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    said: list[str] = []
    with work_alone(tmp_path, "fetch into", "waiting", said.append):
        assert said == [f"warning: {tmp_path} has no locks; do not work in it twice at the same time"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(CatscaleError, match=r"cannot fetch into .*file"),
        work_alone(tmp_path / "file" / "folder", "fetch into", "waiting", print),
    ):
        raise AssertionError
