"""The places where a job's commands run: what they have in common, and the first, processes of this machine."""

import os
import subprocess
from pathlib import Path
from typing import ClassVar, Protocol

from catscale.run.folder.run_lock import is_held
from catscale.run.gpus import VISIBLE
from catscale.system.parent import bound_to_us, open_lifeline
from catscale.system.writing.files import append_to


class JobCommands(Protocol):
    """A job as far as its commands are concerned."""

    name: str
    commands: list[list[str]]
    log: Path
    run: Path
    steps: int
    threads: int
    gpu: str | None
    started: int


class StartedCommands(Protocol):
    """Commands that were started, as `subprocess.Popen` has it."""

    @property
    def returncode(self) -> int | None:
        """The status that `poll` found, None while they run."""

    def poll(self) -> int | None:
        """Return the status, None while they run."""

    def terminate(self) -> None:
        """Ask them to save their state and stop, where they end with us."""

    def wait(self) -> int | None:
        """Wait until they have, where they end with us."""


class Executor(Protocol):
    """A place where commands run.

    Attributes:
        takes_all: Whether it is given all commands of a job at once, not one after another.
        interruption: The fate of started work when the user interrupts us, in words.
    """

    takes_all: ClassVar[bool]
    interruption: ClassVar[str]

    def is_blocked(self, work: JobCommands) -> bool:
        """Return whether the next command must wait for something that still works in the run's folder."""

    def start(self, work: JobCommands) -> StartedCommands:
        """Start the next command, or all of them; their output is appended to the log, which the first one cuts."""

    def describe(self, work: JobCommands, step: int) -> str:
        """Return what is being done, in a word."""


class LocalProcesses:
    """Processes of this machine, which end, their state saved, when this one does."""

    takes_all: ClassVar[bool] = False
    interruption: ClassVar[str] = "those that ran have saved their state, and the same command goes on"

    def is_blocked(self, work: JobCommands) -> bool:
        """Return whether another process works in the run's folder, as one that saves after its parent was killed."""
        return any(is_held(work.run, command) for command in ("train", "evaluate"))

    def start(self, work: JobCommands) -> "subprocess.Popen[bytes]":
        """Start the next command."""
        with append_to(work.log, None if work.started else 0) as file:
            place = {} if work.gpu is None else {VISIBLE: work.gpu}
            environment = bound_to_us(os.environ | {"OMP_NUM_THREADS": str(work.threads)} | place)
            # A group of its own: Ctrl-C reaches us alone, and we ask each job once to save its state and stop.
            return subprocess.Popen(
                work.commands[work.started],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(open_lifeline(),),
                process_group=0,
            )

    def describe(self, work: JobCommands, step: int) -> str:
        """Return what is being done, in a word."""
        return "evaluating" if work.started == len(work.commands) else "training" if step else "starting"


LOCAL = LocalProcesses()
