"""Whoever is asked to stop saves its state first: signals, a closed terminal, a sweep that is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from select import select

import pytest

from catscale.run.folder.run_lock import is_held
from tests.cli.toy import write_config
from tests.forked import CATSCALE, FORKING, running, start_program
from tests.torchrun import torchrun_command

ENDLESS = {"max_steps": 1_000_000, "validate_every": 1_000_000, "log_every": 1}


@pytest.fixture
def endless(tmp_path, corpus, store) -> Path:
    """A configuration whose training ends by a signal alone."""
    return write_config(tmp_path / "toy.yaml", corpus, store, training=ENDLESS, evaluation={"beam": 1})


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def has_steps(run: Path) -> bool:
    metrics = run / "metrics.jsonl"
    return metrics.exists() and metrics.stat().st_size > 500


def assert_saved(run: Path) -> None:
    """The last record is of the checkpoint's step: nothing that was trained is lost."""
    [checkpoint] = (run / "checkpoints").iterdir()
    assert (checkpoint / "manifest.json").is_file()
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert records[-1]["step"] == int(checkpoint.name.removeprefix("step-")) > 0


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),  # a terminal sends it below
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),  # test_resume sends it
        signal.SIGUSR1,
    ],
)
def test_a_signal_saves_the_state(endless, tmp_path, number):
    run = tmp_path / "run"
    with running(CATSCALE, "train", endless, "--out", run) as program:
        wait_for(lambda: has_steps(run))
        program.send(number)
        ended = program.finish(60)
    assert ended.status == 130, ended.err
    assert "the state is saved, the same command continues" in ended.err
    assert_saved(run)


def test_a_terminal_that_is_closed_saves_the_state(endless, tmp_path):
    """The hangup comes, and nothing can be written to the terminal any more."""
    run = tmp_path / "run"
    ours, theirs = os.openpty()
    with running(TERMINAL.format(os.ttyname(theirs)) + CATSCALE, "train", endless, "--out", run) as program:
        wait_for(lambda: bool(select([ours], [], [], 0)[0]))  # it has opened it
        os.close(theirs)
        while not has_steps(run):
            os.read(ours, 4096)
        os.close(ours)
        assert program.finish(60).status == 130
    assert_saved(run)


TERMINAL = """
import os, signal
os.setsid()  # the terminal that it opens next is its own
terminal = os.open({!r}, os.O_RDWR)
for number in range(3):
    os.dup2(terminal, number)
os.close(terminal)
assert os.tcgetpgrp(0) == os.getpid()  # it is
from tests.forked import open_streams
open_streams()
"""


def test_messages_that_nobody_can_read_stop_no_training(tmp_path, corpus, store):
    """Standard error is a pipe whose reader is gone."""
    config, run = write_config(tmp_path / "toy.yaml", corpus, store, training={"log_every": 1}), tmp_path / "run"
    ended = start_program(UNHEARD + CATSCALE, "train", config, "--out", run).finish()
    assert (ended.status, ended.out) == (0, f"{run}\n")


UNHEARD = """
import os
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 2)
from tests.forked import open_streams
open_streams()
"""


def test_a_killed_sweep_leaves_no_training_behind(endless, tmp_path):
    out = tmp_path / "sweep"
    run = out / "T=1" / "seed-1"
    with running(FORKING, "sweep", endless, "--methods", "T=1", "--out", out) as program:
        wait_for(lambda: has_steps(run))
        assert is_held(run, "train")
        program.send(signal.SIGKILL)
        assert program.finish(60).status == -signal.SIGKILL
    wait_for(lambda: not is_held(run, "train"))
    assert_saved(run)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGUSR1])
def test_a_torchrun_that_dies_leaves_no_training_behind(endless, tmp_path, number):
    """It has no time to tell its processes, or, of SIGUSR1, no thought of them."""
    run = tmp_path / "run"
    command = torchrun_command(2, "-m", "catscale", "train", endless, "--out", run)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    wait_for(lambda: has_steps(run), 120)
    assert is_held(run, "train")
    process.send_signal(number)
    assert process.wait() == -number
    wait_for(lambda: not is_held(run, "train"))
    assert_saved(run)


def test_a_sweep_that_is_asked_to_stop_says_how_it_goes_on(endless, tmp_path):
    out = tmp_path / "sweep"
    run = out / "T=1" / "seed-1"
    with running(FORKING, "sweep", endless, "--methods", "T=1", "T=2", "--out", out) as program:
        wait_for(lambda: has_steps(run))
        program.send(signal.SIGTERM)
        status, _, said = astuple(program.finish(60))
    assert status == 130, said
    message = "interrupted, 0 of 2 runs done; those that ran have saved their state, and the same command goes on"
    assert said.endswith(f"catscale: {message}\n")
    assert not is_held(run, "train")
    assert_saved(run)


@pytest.mark.parametrize("command", ["prepare", "evaluate", "demo"])
def test_a_hangup_ends_other_commands_as_an_interrupt_does(command, endless, tmp_path):
    """Where the signal comes while the command works, here at its first line of Python's import of numpy."""
    script = tmp_path / "signalled.py"
    script.write_text(HUNG_UP)
    given = {"prepare": [endless], "evaluate": [tmp_path], "demo": ["--out", tmp_path / "demo"]}[command]
    done = subprocess.run(
        [sys.executable, script, command, *map(str, given)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (130, "catscale: interrupted")
    assert not (tmp_path / "demo").exists()


HUNG_UP = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            os.kill(os.getpid(), signal.SIGHUP)
sys.meta_path.insert(0, Finder())
from catscale.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
