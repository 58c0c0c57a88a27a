"""Processes that end with the one that started them, however that ends.

The one that starts them keeps the writing end of a pipe and writes nothing: the system closes it with the process, also
on a kill. The others watch the reading end. torchrun gives no such pipe, and leaves its processes behind when it is
killed: they look now and then whether it is still their parent.
"""

import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache

PIPE = "CATSCALE_PARENT_PIPE"
"""Variable with the number of the descriptor that is watched."""

OF_TORCHRUN = "TORCHELASTIC_RUN_ID"
"""Variable that torchrun sets for the processes it starts."""


@cache
def open_lifeline() -> int:
    """Return the reading end of a pipe whose writing end stays open as long as this process lives."""
    reader, _ = os.pipe()
    return reader


def bound_to_us(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a `catscale` that ends, its state saved, when this process does.

    It must be started with `pass_fds=(lifeline(),)`.
    """
    return {**environment, PIPE: str(open_lifeline())}


def watch_parent() -> None:
    """Watch the process that started this one, if it asked for it or is torchrun, and act on its end as on SIGTERM."""
    text = os.environ.pop(PIPE, "")  # our own children are not asked
    if text.isdecimal():
        descriptor = int(text)
        with suppress(OSError):
            os.set_inheritable(descriptor, False)
            threading.Thread(target=_wait, args=(descriptor,), name="parent", daemon=True).start()
    elif OF_TORCHRUN in os.environ:
        threading.Thread(target=_look, args=(os.getppid(),), name="parent", daemon=True).start()


def _wait(descriptor: int) -> None:
    try:
        while os.read(descriptor, 1):
            pass
    except OSError:  # no pipe of ours
        return
    os.kill(os.getpid(), signal.SIGTERM)


def _look(parent: int) -> None:
    """Wait until another process has adopted this one, as the system arranges when its parent ends."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
