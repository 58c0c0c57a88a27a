"""Noticing that a run was asked to stop."""

import os
import signal
import threading
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from catscale.system.stopping import heeded


class InterruptFlag:
    """Set by the first signal of `heeded` inside the block; the same one again acts at once, as it would outside."""

    def __init__(self) -> None:
        self.is_set = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "InterruptFlag":
        if threading.current_thread() is threading.main_thread():
            for number in heeded():
                self._before[number] = signal.signal(number, self._notice)
        return self

    def _notice(self, number: int, frame: FrameType | None) -> None:
        self.is_set = True
        with suppress(OSError):  # the terminal may be what was closed
            os.write(2, b"\nstopping after this step, with the state saved; the same signal again stops at once\n")
        signal.signal(number, self._before[number])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
