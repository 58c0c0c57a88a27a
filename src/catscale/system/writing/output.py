"""Output to where the user says: links are followed, and special files are written to as they are."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from catscale.system.refusal import user_errors
from catscale.system.writing.files import replacing

FOLDERS = ("/dev/fd", "/proc/self/fd", "/proc/thread-self/fd")
"""The folders of a process's own open descriptors."""
LINKS = 40


@contextmanager
def open_output(path: Path) -> Iterator[BinaryIO]:
    """Open what the user named as output, for the time of the block.

    A device, a pipe or an open descriptor (`/dev/stdout`, `/proc/self/fd/1`) is written to as it is, at once. A file
    appears when the block ends well, in place of the one that was there, whose mode it gets; of a link, where it leads.

    Args:
        path: Named by the user.

    Raises:
        CatscaleError: If it cannot be written.
    """
    with user_errors("write", path):
        descriptor = find_descriptor(path)
        if descriptor is not None:
            with os.fdopen(os.dup(descriptor), "wb") as file:
                yield file
            return
        before = path.stat() if path.exists() else None
        if before is not None and not stat.S_ISREG(before.st_mode):
            with os.fdopen(os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0)), "wb") as file:
                yield file
            return
        with replacing(Path(os.path.realpath(path)), before) as file:
            yield file


def find_descriptor(path: Path) -> int | None:
    """Return the number of the open descriptor of this process that a path means; None where it means none.

    Example:
        >>> find_descriptor(Path("/proc/self/fd/1"))
        1
    """
    place = os.path.abspath(path)
    for _ in range(LINKS):
        folder, name = os.path.split(place)
        own = (*FOLDERS, f"/proc/{os.getpid()}/fd")
        if name.isdecimal() and (folder in own or os.path.realpath(folder) in own):
            return int(name)
        if not os.path.islink(place):
            return None
        place = os.path.normpath(os.path.join(os.path.realpath(folder), os.readlink(place)))
    return None
