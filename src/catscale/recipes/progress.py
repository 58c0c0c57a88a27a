"""How far a download has come: a bar on a terminal, a line now and then in a log."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from catscale.recipes.space import format_bytes

LOG_SECONDS = 30.0


class TransferView:
    """One file's transfer.

    Args:
        name: The file.
        total: Its length, where it is known.
        done: Bytes that are already here.
    """

    def __init__(self, name: str, total: int | None, done: int) -> None:
        self.name, self.total, self.done, self._said = name, total, done, time.monotonic()
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        self._terminal = console.is_terminal
        columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
        self._bar = Progress(*columns, TimeRemainingColumn(), console=console, disable=not self._terminal)
        self._task = self._bar.add_task(name, total=total, completed=done)

    def __enter__(self) -> "TransferView":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, count: int) -> None:
        """Count bytes that have come."""
        self.done += count
        self._bar.update(self._task, completed=self.done)
        if not self._terminal and time.monotonic() - self._said >= LOG_SECONDS:
            self._said = time.monotonic()
            of = f" of {format_bytes(self.total)}" if self.total else ""
            print(f"{self.name}: {format_bytes(self.done)}{of}", file=sys.stderr, flush=True)
