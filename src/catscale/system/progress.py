"""Progress on a terminal, plain lines in a log."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Bar:
    """A bar on standard error, where that is a terminal, for the time of a block."""

    def __init__(self, *columns: ProgressColumn, silent: bool = False) -> None:
        self.console = Console(stderr=True, soft_wrap=True, highlight=False)
        self._bar = Progress(*columns, console=self.console, disable=silent or not self.console.is_terminal)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


class ProgressView(Bar):
    """A bar where standard error is a terminal; a line a record either way; neither where `silent`."""

    def __init__(self, total: int | None, done: int, label: str = "train", silent: bool = False) -> None:
        self.silent = silent
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        times = TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}")
        super().__init__(*columns, *times, silent=silent)
        self._task = self._bar.add_task(label, total=total, completed=done, note="")

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
