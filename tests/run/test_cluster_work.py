"""A run's commands in a job: one after another, their output, their status, and a stop that is announced."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from catscale.run.cluster_work import read_status, run_in_turn

HEEDS = """
import signal, sys, time
heard = []
signal.signal(signal.SIGINT, lambda *a: heard.append(1))
print('ready', flush=True)
while not heard:
    time.sleep(0.01)
time.sleep(0.2)
print('asked', len(heard), flush=True)
sys.exit(130)
"""
"""A command that counts how often it is asked to stop."""


@pytest.fixture
def place(tmp_path):
    return tmp_path / "log", tmp_path / "ended.json"


def work(place: tuple[Path, Path], *programs: str, threads: int = 1) -> int | None:
    commands = [[sys.executable, "-S", "-c", program] for program in programs]
    run_in_turn(commands, str(place[0]), str(place[1]), threads)
    return read_status(place[1])


def signal_when_ready(log: Path, *numbers: signal.Signals) -> None:
    """Send signals to this process once a command has said that it is ready."""

    def send() -> None:
        while not log.exists() or b"ready" not in log.read_bytes():
            time.sleep(0.01)
        for number in numbers:
            os.kill(os.getpid(), number)
            time.sleep(0.02)  # two at once would come as one

    threading.Thread(target=send, daemon=True).start()


def test_commands_follow_each_other_and_begin_the_log_anew(place):
    place[0].write_text("of an earlier job\n")
    assert read_status(place[1]) is None
    assert work(place, "import os; print(os.environ['OMP_NUM_THREADS'])", "print('second')", threads=3) == 0
    assert place[0].read_text() == "3\nsecond\n"


def test_one_that_fails_is_the_last(place):
    assert work(place, "print('first')", "raise SystemExit(3)", "print('third')") == 3
    assert place[0].read_text() == "first\n"


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGTERM])
def test_a_job_s_coming_end_is_passed_on_once_and_nothing_follows(place, number):
    before = signal.getsignal(number)
    signal_when_ready(place[0], number, signal.SIGCONT, number)
    assert work(place, HEEDS, "print('next')") == 130
    assert place[0].read_text() == "ready\nasked 1\n"
    assert signal.getsignal(number) is before


def test_a_command_that_ends_well_in_spite_of_it_is_the_last(place):
    signal_when_ready(place[0], signal.SIGUSR2)
    ends = HEEDS.replace("sys.exit(130)", "")
    assert work(place, ends, "print('next')") == 130
    assert place[0].read_text() == "ready\nasked 1\n"


@pytest.mark.parametrize("content", ["", "{", '{"status": "0"}', "[]"])
def test_what_is_no_status_is_none(tmp_path, content):
    path = tmp_path / "ended.json"
    path.write_text(content)
    assert read_status(path) is None
