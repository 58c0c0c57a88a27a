"""Locks of the operating system: they end with their process, however that ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType

from catscale.system.console.messages import Say
from catscale.system.writing.files import make_folder, open_lock, user_errors
from catscale.system.writing.places import NO_LINK

fcntl: ModuleType | None = None  # Windows: two processes must not work in the same folder at the same time
with suppress(ImportError):
    fcntl = import_module("fcntl")


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file without waiting; False if another process holds the lock, None where there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def is_locked(path: Path) -> bool:
    """Return whether another process holds the lock on a file; make nothing, and follow no link."""
    try:
        descriptor = os.open(path, os.O_RDWR | NO_LINK | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        return try_lock(descriptor) is False
    finally:
        os.close(descriptor)


def write_over(descriptor: int, content: bytes) -> None:
    """Write what a lock's file says in place of what an earlier holder left."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, content)


@contextmanager
def work_alone(folder: Path, action: str, waiting: str, say: Say) -> Iterator[None]:
    """Wait and say so until no other process works in a folder, which is made if need be.

    Args:
        folder: Gets a file `.lock`.
        action: The action, for the message of a folder that cannot be written, as in "fetch into".
        waiting: The text for the one who waits.
        say: Receives it.

    Raises:
        CatscaleError: If the folder cannot be written.
    """
    with user_errors(action, folder):
        make_folder(folder)
        descriptor = open_lock(folder / ".lock")
    try:
        locked = try_lock(descriptor)
        if locked is None:
            say(f"warning: {folder} has no locks; do not work in it twice at the same time")
        elif not locked and fcntl is not None:
            say(waiting)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
