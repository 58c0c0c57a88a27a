"""One fetch at a time in a folder."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from catscale.files import user_errors

try:
    import fcntl
except ImportError:  # Windows: two processes must not fetch into the same folder at the same time
    fcntl = None  # type: ignore[assignment]


@contextmanager
def alone(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Wait, and say so, until no other process fetches into a folder, which is made if need be.

    The lock is the operating system's: it ends with its process, however that ends.

    Raises:
        CatscaleError: If the folder cannot be written.
    """
    with user_errors("fetch into", folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"another process fetches into {folder}; waiting for it")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
