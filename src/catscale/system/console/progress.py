"""Progress on a terminal, plain lines in a log."""

from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from catscale.system.console.messages import say
from catscale.system.console.safe_text import for_message, for_terminal
from catscale.system.console.terminal import make_console


def label_column(template: str) -> TextColumn:
    """Return the column of a bar that shows a name or a note, in which nothing is markup."""
    return TextColumn(template, markup=False)


class Bar:
    """A bar on standard error, where that is a terminal, for the time of a block."""

    def __init__(self, *columns: ProgressColumn, silent: bool = False) -> None:
        self.console = make_console(stderr=True, soft_wrap=True)
        self._bar = Progress(*columns, console=self.console, disable=silent or not self.console.is_terminal)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


class ProgressView(Bar):
    """A bar where standard error is a terminal; a line per record either way; neither where `silent`."""

    def __init__(self, total: int | None, done: int, label: str = "train", silent: bool = False) -> None:
        self.silent = silent
        columns = label_column("{task.description}"), BarColumn(), MofNCompleteColumn()
        times = TimeElapsedColumn(), label_column("left"), TimeRemainingColumn(), label_column("{task.fields[note]}")
        super().__init__(*columns, *times, silent=silent)
        self._task = self._bar.add_task(for_terminal(label), total=total, completed=done, note="")

    def advance(self, done: int, note: str = "") -> bool:
        """Move the bar to `done`; returns whether anybody sees it."""
        self._bar.update(self._task, completed=done, note=for_terminal(note))
        return self.silent or self.console.is_terminal

    def set_total(self, total: int) -> None:
        """Correct how much there is to do."""
        self._bar.update(self._task, total=total)

    def say(self, line: str) -> None:
        """Print a line above the bar, or to the log."""
        if self.silent:
            return
        if self.console.is_terminal:
            self._bar.console.print(for_message(line))
        else:
            say(line)
