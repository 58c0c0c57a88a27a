"""Reading a whole small file that something else may have made: a regular one, of bounded length, no link."""

import errno
import os
import stat
from pathlib import Path

MEBIBYTE = 2**20
KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)


def read_regular(path: Path, most: int, follow: bool = False) -> bytes:
    """Read the bytes of a regular file.

    A pipe would be waited for without end, a device may have no end, and a symbolic link inside of a folder that
    somebody else made may lead to any file of the reader's.

    Args:
        path: The file.
        most: The most bytes that it may have.
        follow: Whether `path` may be a symbolic link, because a user named it.

    Raises:
        OSError: If it cannot be read, is no regular file, or is longer.
    """
    descriptor, status = _open(path, follow)
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1) if status.st_size <= most else b""
    finally:
        os.close(descriptor)
    if max(status.st_size, len(content)) > most:
        raise OSError(errno.EFBIG, f"it is longer than the {most:,} bytes that such a file may have", str(path))
    return content


def read_part(path: Path, start: int, most: int) -> bytes | None:
    """Read at most `most` bytes of a regular file from a place on; None where there is no such file.

    Args:
        path: The file; no link is followed.
        start: The number of bytes before the part.
        most: The most bytes to read.
    """
    try:
        descriptor, _ = _open(path, follow=False)
    except OSError:
        return None
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            file.seek(start)
            return file.read(most)
    finally:
        os.close(descriptor)


def _open(path: Path, follow: bool) -> tuple[int, os.stat_result]:
    """Open a regular file without waiting for anybody; its descriptor and status.

    Raises:
        OSError: If it cannot be opened, or is something else.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, flags if follow else flags | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        if not follow and error.errno == errno.ELOOP:
            raise OSError(error.errno, "it is a symbolic link, which is not followed here", str(path)) from error
        raise
    except ValueError as error:  # a NUL character in the name
        raise OSError(errno.EINVAL, str(error), str(path)) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is {_kind(status.st_mode)}, not a regular file", str(path))
    return descriptor, status


def check_regular(path: Path, follow: bool = False) -> None:
    """Check that a path is a regular file and no link, for readers that open it themselves.

    Args:
        path: The file.
        follow: Whether `path` may be a symbolic link, because a user named it.

    Raises:
        OSError: If it is not, or is not there.
    """
    status = path.stat() if follow else path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, "it is a symbolic link, which is not followed here", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, f"it is {_kind(status.st_mode)}, not a regular file", str(path))


def _kind(mode: int) -> str:
    return next((name for test, name in KINDS if test(mode)), "something else")


def reason_of(error: Exception) -> str:
    """Return the reason why a file could not be read, without the path, which the message around it names."""
    return str(getattr(error, "strerror", None) or error)
