"""Progress on a terminal, plain lines in a log."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class ProgressView:
    """A bar where standard error is a terminal; a line a record either way; neither where `silent`."""

    def __init__(self, total: int | None, done: int, label: str = "train", silent: bool = False) -> None:
        self.silent = silent
        self.console = Console(stderr=True, soft_wrap=True, highlight=False)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        times = TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}")
        self._bar = Progress(*columns, *times, console=self.console, disable=silent or not self.console.is_terminal)
        self._task = self._bar.add_task(label, total=total, completed=done, note="")

    def __enter__(self) -> "ProgressView":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, done: int, note: str = "") -> bool:
        """Move the bar to `done`; returns whether anybody sees it."""
        self._bar.update(self._task, completed=done, note=note)
        return self.silent or self.console.is_terminal

    def set_total(self, total: int) -> None:
        """Correct how much there is to do."""
        self._bar.update(self._task, total=total)

    def say(self, line: str) -> None:
        """Print a line above the bar, or to the log."""
        if self.silent:
            return
        if self.console.is_terminal:
            self._bar.console.print(line, markup=False)
        else:
            print(line, file=sys.stderr, flush=True)
