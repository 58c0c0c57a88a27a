"""One process at a time: a lock on a run's folder, which the kernel takes back when its holder ends, however it ends.

On network file systems it holds as far as `flock` does there: between the machines of NFSv4 and of Linux' NFSv3 with
its lock daemon, on one machine only elsewhere.
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catscale.errors import CatscaleError, CheckpointError
from catscale.system.reading.json_file import SMALL, load_json, parse_json
from catscale.system.reading.schema import Count, FileSchema, Text
from catscale.system.writing.files import open_lock, remove_file, user_errors
from catscale.system.writing.locks import is_locked, try_lock, write_over

LONGEST = 4096  # bytes of what a lock's file says
LOOKS = 4
"""The number of tries for a held lock: `is_held` takes it for a moment."""


class Holder(FileSchema):
    """The holder of a lock, as its file tells."""

    pid: Count
    host: Text
    since: Text


@contextmanager
def hold_lock(folder: Path, command: str) -> Iterator[None]:
    """Keep other processes from running the same command in a folder while the block runs.

    Args:
        folder: A run's, which exists.
        command: The command, as in "train"; each has its own lock, `.train.lock`, removed when the block ends. A kill
            leaves the file, but not the lock.

    Raises:
        CheckpointError: If another process holds the lock.
        CatscaleError: If the folder cannot be written to.
    """
    path = folder / f".{command}.lock"
    with user_errors("lock", path):
        descriptor = _acquire(path)
        for _ in range(LOOKS):
            if descriptor is None:
                time.sleep(0.05)
                descriptor = _acquire(path)
        if descriptor is None:
            raise CheckpointError(
                f"{folder} is in use: `catscale {command}` runs there{_holder(path)}; wait until it ends, stop it, "
                "or choose another folder"
            )
        about = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S %z")}
        write_over(descriptor, json.dumps(about).encode())
    try:
        yield
    finally:
        with suppress(CatscaleError):  # of a folder that was renamed meanwhile
            remove_file(path)  # while it is held: whoever opened it meanwhile sees that it was removed, see _acquire
        os.close(descriptor)


def is_held(folder: Path, command: str) -> bool:
    """Return whether a process runs a command in a folder."""
    return is_locked(folder / f".{command}.lock")


def _acquire(path: Path) -> int | None:
    """Return the descriptor of the locked file, None if another process holds the lock."""
    while True:
        descriptor = open_lock(path)
        if try_lock(descriptor) is False:
            os.close(descriptor)
            return None
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.lstat()):
            _check_ours(path, descriptor)
            return descriptor
        os.close(descriptor)  # its holder removed it between our opening and locking it


def _check_ours(path: Path, descriptor: int) -> None:
    """Check that a file holds what an earlier lock left, or nothing, before it is written over.

    Raises:
        CatscaleError: If it holds something else.
    """
    content = os.read(descriptor, LONGEST)
    try:
        is_ours = not content or "pid" in parse_json(content)
    except (ValueError, TypeError):
        is_ours = content.startswith(b'{"pid": ')  # cut off by a kill
    if not is_ours:
        os.close(descriptor)
        raise CatscaleError(f"{path} is where catscale keeps a lock, and holds something else; move it away")


def _holder(path: Path) -> str:
    """Return who holds a lock, in words; empty if the file does not tell."""
    try:
        about = load_json(path, Holder, SMALL)
        return f" since {about['since']} as process {about['pid']} on {about['host']}"
    except (OSError, ValueError):
        return ""
