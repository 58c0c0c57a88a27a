"""Tables on a terminal: the one place where Rich gets text, as text and never as markup or a control sequence."""

import os
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from catscale.system.console.safe_text import for_terminal

PIPE_WIDTH = 160
"""Columns of a table that goes to a file or a pipe, where nobody's window cuts it, unless COLUMNS says how many."""


def plain(text: object, style: str = "") -> Text:
    """Return a text as Rich shows it: safe for a terminal, `[red]` and `:smile:` read as letters."""
    return Text(for_terminal(text), style=style)


def stacked(*texts: object, style: str = "") -> Text:
    """Return texts as the lines of one cell."""
    return Text("\n").join(plain(text, style) for text in texts)


class TerminalTable(RichTable):
    """A table whose title, headers and cells are texts; a cell that `plain` or `stacked` made keeps its style.

    Args:
        title: Above it, at the left.
        options: The arguments of `rich.table.Table`.
    """

    def __init__(self, title: str | None = None, **options: Any) -> None:
        super().__init__(title=None if title is None else plain(title), title_justify="left", **options)

    def add_column(self, header: RenderableType = "", footer: RenderableType = "", **options: Any) -> None:
        """Add a column under a header."""
        super().add_column(_as_text(header), _as_text(footer), **options)

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Add a row of cells."""
        super().add_row(*(None if cell is None else _as_text(cell) for cell in cells), **options)


def make_console(stderr: bool = False, **options: Any) -> Console:
    """Return a console that interprets nothing in what it prints."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, **options)


def show(table: TerminalTable, stderr: bool = False, width: int | None = PIPE_WIDTH) -> None:
    """Print a table on standard output: as wide as the terminal or COLUMNS says, else in a file as wide as it needs.

    Args:
        table: To print.
        stderr: Whether it goes to standard error.
        width: Columns where there is no terminal; None for Rich's 80.
    """
    console = make_console(stderr)
    if width is not None and not _has_width(console):
        console = make_console(stderr, width=width)
    console.print(table)


def find_width() -> int:
    """Return the columns that a table on standard output has: those of the terminal, or of a file or a pipe."""
    console = make_console()
    return console.width if _has_width(console) else PIPE_WIDTH


def _has_width(console: Console) -> bool:
    """Return whether a terminal or COLUMNS says how many columns there are."""
    return console.file.isatty() or os.environ.get("COLUMNS", "").isdecimal()


def _as_text(cell: RenderableType) -> Text:
    """Return a cell as a text; one that is made already is cleaned in place, its line feeds left."""
    if not isinstance(cell, Text):
        return plain(cell)
    if all(for_terminal(line) == line for line in cell.plain.split("\n")):
        return cell
    return stacked(*cell.plain.split("\n"))
