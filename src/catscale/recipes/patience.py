"""Limits of time of a download, and the failures that another try may not meet."""

import time
from dataclasses import dataclass

from catscale.recipes.space import format_bytes


@dataclass(frozen=True)
class Patience:
    """Limits of time of the tries to download.

    Attributes:
        tries: Tries in a row that bring no byte.
        wait: Seconds before the second try; doubled before each further one.
        longest: Seconds that a wait is never longer than, whatever the server asks for.
        timeout: Seconds without a byte that end a try.
        slowest: Bytes per second below which, on average over `window`, a try ends; such a try counts as one without a
            byte, so that a server which sends one per minute does not hold the command for ever.
        window: Seconds over which the rate is measured.
    """

    tries: int = 6
    wait: float = 1.0
    longest: float = 60.0
    timeout: float = 60.0
    slowest: float = 500.0
    window: float = 120.0


class BrokenError(Exception):
    """A try failed in a way that the next one may not; `wait` is the server's wish, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class SlowError(BrokenError):
    """A try brought bytes, too few of them."""


class Pace:
    """The rate at which bytes come, over windows that follow each other."""

    def __init__(self, patience: Patience) -> None:
        self._patience, self._since, self._bytes = patience, time.monotonic(), 0

    def count(self, size: int) -> None:
        """Count bytes that came.

        Raises:
            SlowError: If there were too few in the window that ends.
        """
        self._bytes += size
        passed = time.monotonic() - self._since
        if passed < self._patience.window:
            return
        if self._bytes < self._patience.slowest * passed:
            raise SlowError(f"only {format_bytes(self._bytes)} came in {passed:.0f} s")
        self._since, self._bytes = time.monotonic(), 0
