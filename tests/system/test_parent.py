"""Processes that end with the one that started them."""

import os
import signal
import subprocess
import sys

from catscale.system import parent
from catscale.system.parent import OF_TORCHRUN, PIPE, bound_to_us, open_lifeline, watch_parent

CHILD = (
    "import signal, sys, threading\n"
    "from catscale.system.parent import watch_parent\n"
    "heard = threading.Event()\n"
    "signal.signal(signal.SIGTERM, lambda *args: heard.set())\n"
    "watch_parent()\n"
    "print('watching', flush=True)\n"
    "for _ in range(100):\n"
    "    if heard.wait(0.1): sys.exit(7)\n"
)


def test_a_child_is_terminated_when_the_pipe_closes() -> None:
    reader, writer = os.pipe()
    environment = {**os.environ, PIPE: str(reader)}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], env=environment, pass_fds=(reader,), stdout=subprocess.PIPE, text=True
    ) as child:
        os.close(reader)
        assert child.stdout is not None
        assert child.stdout.readline() == "watching\n"
        assert child.poll() is None
        os.close(writer)
        assert child.wait(10) == 7


def test_the_lifeline_is_one_open_pipe_that_children_are_told_of() -> None:
    descriptor = open_lifeline()
    assert open_lifeline() == descriptor
    before = {"A": "1", PIPE: "old"}
    assert bound_to_us(before) == {"A": "1", PIPE: str(descriptor)}
    assert before[PIPE] == "old"
    os.set_blocking(descriptor, False)
    try:
        os.read(descriptor, 1)
        raise AssertionError("the writing end is closed, or wrote")
    except BlockingIOError:  # open, and nothing in it
        os.set_blocking(descriptor, True)


def test_our_own_children_are_not_asked(monkeypatch) -> None:
    """A number that is no open descriptor is passed over."""
    monkeypatch.setenv(PIPE, "999999")
    monkeypatch.delenv(OF_TORCHRUN, raising=False)
    watch_parent()
    assert PIPE not in os.environ


def test_a_child_of_torchrun_ends_when_it_is_adopted(monkeypatch) -> None:
    parents, sent = iter([5, 5, 1]), list[tuple[int, int]]()
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    parent._look(5)
    assert sent == [(os.getpid(), signal.SIGTERM)]
