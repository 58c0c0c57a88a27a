"""Programs in processes of their own that begin with the libraries loaded.

A new interpreter takes seconds to import PyTorch and transformers; a fork of one that has done so, and nothing else,
takes none.
"""

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import IO, Any, NoReturn

from catscale.system.parent import PIPE
from tests.unchecked import unchecked

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "catscale.cli.commands",
        "catscale.run.commands.train",
        "catscale.run.commands.evaluate",
        "catscale.evaluation.decoding.ctranslate2",
        "transformers.models.m2m_100.modeling_m2m_100",
    ]
)
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # as the command line does before these are imported
CATSCALE = """
import sys
from catscale.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""The command line."""


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        status: A negative number is a signal's.
        out: Its standard output.
        err: Its standard error.
    """

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Program:
    """A program that was started.

    Attributes:
        process: Its process.
        folder: The folder of what it writes: `out` and `err`.
    """

    process: ForkServerProcess
    folder: Path

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def finish(self, seconds: float = 240) -> Ended:
        """Wait for the end; one that takes longer is killed."""
        self.process.join(seconds)
        self.process.kill()
        self.process.join()
        assert self.process.exitcode is not None
        said = [self.folder.joinpath(name).read_text(encoding="utf-8") for name in ("out", "err")]
        shutil.rmtree(self.folder)
        return Ended(self.process.exitcode, *said)


def start_program(code: str, *arguments: object, variables: Mapping[str, str] | None = None) -> Program:
    """Start Python code as a program of its own, with more variables of the environment."""
    folder = Path(tempfile.mkdtemp(prefix="catscale-test-"))
    for name in ("out", "err"):
        folder.joinpath(name).touch()  # of a program that is killed before it opens them
    given = code, [*map(str, arguments)], os.environ | dict(variables or {}), folder, os.getcwd()
    process = FORKS.Process(target=_run, args=given)
    process.start()
    return Program(process, folder)


@contextmanager
def running(code: str, *arguments: object) -> Iterator[Program]:
    """A program for a while; one that still runs at the end is killed."""
    program = start_program(code, *arguments)
    try:
        yield program
    finally:
        program.process.kill()
        program.process.join()
        shutil.rmtree(program.folder, ignore_errors=True)


class ForkedCommand:
    """Stands in for `subprocess.Popen` of `python -m catscale …`, whose output is appended to a file."""

    def __init__(self, command: list[str], *, stdout: IO[bytes], env: Mapping[str, str], **how: Any) -> None:
        assert command[:3] == [sys.executable, "-m", "catscale"]
        assert how["pass_fds"]
        place = os.readlink(f"/proc/self/fd/{stdout.fileno()}")
        code = f"LOG = {place!r}{APPENDED}{CATSCALE}"
        # A fork of the server inherits no descriptors: none is watched.
        self._program = start_program(code, *command[3:], variables={**env, PIPE: ""})

    def poll(self) -> int | None:
        """Return the status, None while it runs."""
        return self._program.process.exitcode

    returncode = property(poll)

    def terminate(self) -> None:
        """Ask it to stop."""
        self._program.process.terminate()

    def wait(self) -> int:
        """Return its status when it has ended."""
        return self._program.finish().status


class ForkedByUs:
    """Stands in for `subprocess.Popen` of `python -m catscale …` in a program that is a fork itself: a fork of it."""

    def __init__(self, command: list[str], *, stdout: IO[bytes], env: Mapping[str, str], **how: Any) -> None:
        assert command[:3] == [sys.executable, "-m", "catscale"]
        self.returncode: int | None = None
        self._pid = os.fork()
        if not self._pid:
            os.setpgid(0, how["process_group"])
            for number in (1, 2):
                os.dup2(stdout.fileno(), number)
            for number in set(_list_pipes()) - {0, 1, 2, *how["pass_fds"]}:
                os.close(number)
            _become(CATSCALE, command[3:], env)

    def poll(self) -> int | None:
        """Return the status, None while it runs."""
        return self._look(os.WNOHANG)

    def terminate(self) -> None:
        """Ask it to stop."""
        os.kill(self._pid, signal.SIGTERM)

    def wait(self) -> int | None:
        """Return its status when it has ended."""
        return self._look(0)

    def _look(self, how: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self._pid, how)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode


FORKING = f"""
from types import SimpleNamespace
import catscale.run.local_processes
from tests.forked import ForkedByUs
catscale.run.local_processes.subprocess = SimpleNamespace(Popen=ForkedByUs, DEVNULL=None, STDOUT=None)
{CATSCALE}
"""
"""The command line, whose own programs are forks."""
APPENDED = """
import os
log = os.open(LOG, os.O_WRONLY | os.O_APPEND)
os.dup2(log, 1)
os.dup2(log, 2)
from tests.forked import open_streams
open_streams()
"""


def _list_pipes() -> list[int]:
    """List the descriptors that are ends of pipes: what else is open, this process may use."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the listing
            found += [int(name)] if os.readlink(f"/proc/self/fd/{name}").startswith("pipe:") else []
    return found


def open_streams() -> None:
    """Open Python's streams anew, as an interpreter does that starts with these descriptors."""
    sys.stdout = unchecked(sys).__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    escaped: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace"}
    sys.stderr = unchecked(sys).__stderr__ = os.fdopen(2, "w", buffering=1, closefd=False, **escaped)


def _run(code: str, arguments: list[str], variables: dict[str, str], folder: Path, place: str) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(place)
    _become(code, arguments, variables)


def _become(code: str, arguments: list[str], variables: Mapping[str, str]) -> NoReturn:
    """Run code as the program that this process is from now on."""
    open_streams()
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)
    sys.argv = ["program", *arguments]
    status = 0
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as ended:
        status = int(ended.code or 0)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody may listen any more
            stream.flush()
    os._exit(status)
