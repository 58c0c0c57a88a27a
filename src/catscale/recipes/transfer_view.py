"""The progress of a download: a bar on a terminal, a line now and then in a log."""

import time

from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

from catscale.recipes.space import format_bytes
from catscale.system.console.messages import say
from catscale.system.console.progress import Bar, label_column
from catscale.system.console.safe_text import for_terminal

LOG_SECONDS = 30.0


class TransferView(Bar):
    """One file's transfer.

    Args:
        name: The file.
        total: Its length, where it is known.
        done: Bytes that are already here.
    """

    def __init__(self, name: str, total: int | None, done: int) -> None:
        self.name, self.total, self.done, self._said = name, total, done, time.monotonic()
        columns = label_column("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
        super().__init__(*columns, TimeRemainingColumn())
        self._task = self._bar.add_task(for_terminal(name), total=total, completed=done)

    def advance(self, count: int) -> None:
        """Count bytes that have come."""
        self.done += count
        self._bar.update(self._task, completed=self.done)
        if not self.console.is_terminal and time.monotonic() - self._said >= LOG_SECONDS:
            self._said = time.monotonic()
            of = f" of {format_bytes(self.total)}" if self.total else ""
            say(f"{self.name}: {format_bytes(self.done)}{of}")
