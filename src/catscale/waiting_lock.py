"""One process at a time in a folder: the others wait."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from catscale.files import user_errors

try:
    import fcntl
except ImportError:  # Windows: two processes must not work in the same folder at the same time
    fcntl = None  # type: ignore[assignment]


@contextmanager
def alone(folder: Path, action: str, waiting: str, say: Callable[[str], None]) -> Iterator[None]:
    """Wait, and say so, until no other process works in a folder, which is made if need be.

    The lock is the operating system's: it ends with its process, however that ends.

    Args:
        folder: Gets a file `.lock`.
        action: What is done, for the message of a folder that cannot be written, as in "fetch into".
        waiting: What is said to the one who waits.
        say: Receives it.

    Raises:
        CatscaleError: If the folder cannot be written.
    """
    with user_errors(action, folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(waiting)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError:
                say(f"warning: {folder} has no locks; do not work in it twice at the same time")
        yield
    finally:
        os.close(descriptor)
