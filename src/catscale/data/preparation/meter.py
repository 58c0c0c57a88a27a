"""The progress of a preparation: a bar on a terminal, a line now and then in a log."""

import time
from threading import Lock
from types import TracebackType

from catscale.system.console.messages import Say
from catscale.system.console.progress import ProgressView

INTERVAL = 15.0  # seconds between lines


class Meter:
    """Counts pairs.

    Args:
        say: Receives plain lines.
        bar: Whether to show a bar on a terminal.
    """

    def __init__(self, say: Say, bar: bool) -> None:
        self._say, self._bar, self._lock = say, bar, Lock()
        self._view: ProgressView | None = None
        self._label, self._done = "", 0

    def __enter__(self) -> "Meter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._done = 0  # of a stage that did not end
        self._close()

    def begin(self, label: str, total: int | None = None) -> None:
        """Begin a new stage: what is done, and to how many pairs if that is known."""
        self._close()
        self._label, self._total, self._done = label, total, 0
        self._started = self._spoken = time.monotonic()
        if self._bar:
            self._view = ProgressView(total, 0, label)
            self._view.__enter__()

    def add(self, pairs: int) -> None:
        """Note that more pairs are done."""
        with self._lock:
            self._done += pairs
            now = time.monotonic()
            speed = f"{self._done / max(now - self._started, 1e-9):,.0f} pairs/s"
            seen = self._view is not None and self._view.advance(self._done, speed)
            if not seen and now - self._spoken >= INTERVAL:
                self._spoken = now
                of = f" of {self._total:,}" if self._total is not None else ""
                self._say(f"{self._label}: {self._done:,}{of} pairs, {speed}")

    def _close(self) -> None:
        if self._view is not None:
            self._view.__exit__(None, None, None)
            self._view = None
        if self._done and (seconds := time.monotonic() - self._started) >= 1:
            self._say(f"{self._label}: {self._done:,} pairs in {seconds:,.1f} s, {self._done / seconds:,.0f} pairs/s")
