"""A run's commands within its job on a cluster, one after another, and what they ended with, for whoever asks later."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catscale.errors import Interrupted
from catscale.system.reading.json_file import SMALL, load_json
from catscale.system.reading.schema import FileSchema
from catscale.system.stopping import ASKED, WARNINGS
from catscale.system.writing.files import append_to, write_json


class EndedWork(FileSchema):
    """The status that a job's commands ended with."""

    status: int


def run_in_turn(commands: list[list[str]], log: str, ended: str, threads: int) -> None:
    """Run commands one after another until one fails; write the last status.

    A cluster announces a job's end to all of its processes: a command saves its state and ends with its status for an
    interruption. Where only this process hears of it, it passes that on.

    Args:
        commands: Command lines.
        log: The file of their output, which is begun anew.
        ended: The file that the status is written to, last.
        threads: The threads of the processor for each command.
    """
    status, environment = 0, os.environ | {"OMP_NUM_THREADS": str(threads)}
    with _StopRequests().heeded() as requests:
        for number, command in enumerate(commands):
            with append_to(Path(log), None if number else 0) as file:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment
                )
            status = requests.wait_for(process)
            if status:
                break
    write_json(Path(ended), {"status": status})


def read_status(ended: Path) -> int | None:
    """Return what a job's commands ended with, None while they have not, or where the job was killed."""
    try:
        status: int = load_json(ended, EndedWork, SMALL)["status"]
        return status
    except (OSError, ValueError):
        return None


class _StopRequests:
    """Signals by which the cluster says that a job is about to end."""

    def __init__(self) -> None:
        self._untold: subprocess.Popen[bytes] | None = None
        self._is_asked = False

    @contextmanager
    def heeded(self) -> Iterator["_StopRequests"]:
        """Pass signals on while the block runs."""
        before = {number: signal.signal(number, self._notice) for number in (*ASKED, *WARNINGS)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wait_for(self, process: "subprocess.Popen[bytes]") -> int:
        """Return a command's status; one that ended well although a stop was asked for is the last."""
        self._untold = process
        if self._is_asked:
            self._tell()
        status = process.wait()
        self._untold = None
        return status or (Interrupted.exit_status if self._is_asked else 0)

    def _notice(self, number: int, frame: object) -> None:
        self._is_asked = True
        self._tell()

    def _tell(self) -> None:
        """Ask the command, once, by a signal that a cluster does not send: the same one again would end it at once."""
        process, self._untold = self._untold, None
        if process is not None:
            process.send_signal(signal.SIGINT)
