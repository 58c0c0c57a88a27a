"""Processes that end with the one that started them, however that ends.

The one that starts them keeps the writing end of a pipe and writes nothing: the system closes it with the process, also
on a kill. The others watch the reading end.
"""

import os
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache

PIPE = "CATSCALE_PARENT_PIPE"
"""Variable with the number of the descriptor that is watched."""


@cache
def lifeline() -> int:
    """The reading end of a pipe whose writing end stays open as long as this process lives."""
    reader, _ = os.pipe()
    return reader


def bound_to_us(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a `catscale` that ends, its state saved, when this process does.

    It must be started with `pass_fds=(lifeline(),)`.
    """
    return {**environment, PIPE: str(lifeline())}


def watch_parent() -> None:
    """Where the process that started this one asked for it, do when it ends what SIGTERM does."""
    text = os.environ.pop(PIPE, "")  # our own children are not asked
    if not text.isdecimal():
        return
    descriptor = int(text)
    with suppress(OSError):
        os.set_inheritable(descriptor, False)
        threading.Thread(target=_wait, args=(descriptor,), name="parent", daemon=True).start()


def _wait(descriptor: int) -> None:
    try:
        while os.read(descriptor, 1):
            pass
    except OSError:  # no pipe of ours
        return
    os.kill(os.getpid(), signal.SIGTERM)
