"""Runs catscale in child processes that die, or are refused by the disk, at a chosen write below a folder.

Every opening for writing, rename, removal, new folder, cut and flush counts, and so do the writes of tensors and of
metrics, which leave half of what they were to write.
"""

import errno
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.forked import FORKS
from tests.unchecked import unchecked

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Accident:
    """What happens at one of the writes.

    Attributes:
        at: Its number, from 1; 0 for never.
        by: A signal's number, negative, or an `errno`.
        lasts: Whether every later write fails too, as on a full disk.
        largest: Bytes that no file may exceed; the kernel cuts a write there. None for any number.
    """

    at: int = 0
    by: int = -signal.SIGKILL
    lasts: bool = True
    largest: int | None = None


class Writes:
    """Counts the writes below a folder, and has the accident."""

    def __init__(self, folder: Path, accident: Accident) -> None:
        self.folder, self.accident, self.names = str(folder), accident, list[str]()

    def install(self) -> None:
        """Watch this process from now on."""
        import transformers.modeling_utils
        from safetensors import torch as tensors

        from catscale.training.checkpointing import checkpoint
        from catscale.training.records import metrics_file as metrics

        flush = os.fsync

        def note_flush(descriptor: Any) -> None:
            self._note_below("flush", descriptor)
            flush(descriptor)

        unchecked(os).fsync = note_flush
        save = tensors.save_file

        def save_file(content: Any, path: Any, *arguments: Any, **options: Any) -> None:
            self.note("tensors", str(path), lambda: Path(path).write_bytes(b"half"))
            save(content, path, *arguments, **options)

        unchecked(checkpoint).save_file = transformers.modeling_utils.safe_save_file = save_file
        write = metrics.MetricsLog.write

        def write_record(log: metrics.MetricsLog, **record: Any) -> None:
            if log._file is not None:
                self.note("record", str(log.path), lambda: os.write(log._file.fileno(), b'{"kind": "tr'))
            write(log, **record)

        unchecked(metrics.MetricsLog).write = write_record
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (mode is None and flags & WRITING):
                self._note_below("open", path)
        elif event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"):
            self._note_below(event, arguments[0])

    def _note_below(self, event: str, path: Any) -> None:
        place = os.readlink(f"/proc/self/fd/{path}") if isinstance(path, int) else os.path.abspath(os.fsdecode(path))
        if f"{place}/".startswith(f"{self.folder}/"):
            self.note(event, path)

    def note(self, event: str, path: Any, half: Callable[[], object] = lambda: None) -> None:
        """Count a write that is about to happen."""
        self.names.append(f"{event} {path if isinstance(path, int) else os.path.basename(os.fsdecode(path))}")
        number, accident = len(self.names), self.accident
        if not accident.at or number < accident.at or (number > accident.at and not accident.lasts):
            return
        if accident.by < 0:
            half()
            os.kill(os.getpid(), -accident.by)
            time.sleep(60)
        if event in ("os.remove", "os.rmdir") and accident.by == errno.ENOSPC:
            return  # a full disk lets one remove
        if event == "tensors":
            from safetensors import SafetensorError

            half()
            raise SafetensorError(
                f"Error while serializing: I/O error: {os.strerror(accident.by)} (os error {accident.by})"
            )
        raise OSError(accident.by, os.strerror(accident.by), path)


def _child(arguments: list[str], folder: Path, accident: Accident, log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    from catscale.cli.main import main

    writes = Writes(folder, accident)
    writes.install()
    if accident.largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (accident.largest, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    status = main(arguments)
    if accident.largest is None:
        log.with_suffix(".json").write_text(json.dumps(writes.names))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    text: str
    writes: list[str]


def start(arguments: list[object], folder: Path, log: Path, accident: Accident) -> Any:
    """Begin a command in a child."""
    log.with_suffix(".json").unlink(missing_ok=True)
    log.write_bytes(b"")  # a child that is killed before it opens its log leaves nobody else's in it
    child = FORKS.Process(target=_child, args=([str(a) for a in arguments], folder, accident, log))
    child.start()
    return child


def finish(child: Any, log: Path, seconds: float = 120) -> Ended:
    """Wait for it."""
    child.join(seconds)
    assert child.exitcode is not None, f"it hangs: {log.read_text()}"
    counted = log.with_suffix(".json")
    names = json.loads(counted.read_text()) if counted.exists() else []
    return Ended(child.exitcode, log.read_text(errors="replace"), names)


def run(arguments: list[object], folder: Path, log: Path, accident: Accident = Accident()) -> Ended:
    """A command from beginning to end.

    Args:
        arguments: Of `catscale`.
        folder: Writes below it count.
        log: Receives what it says.
        accident: What happens to it.
    """
    return finish(start(arguments, folder, log, accident), log)
