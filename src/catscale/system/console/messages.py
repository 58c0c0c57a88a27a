"""Lines for the user: the one place that prints text, made safe for a terminal.

Names of languages, methods and files come from elsewhere, and so do parts of messages: a line that holds an escape
sequence must not act. Nothing else prints; tables and bars are those of `catscale.system.console.terminal` and
`progress`.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from catscale.system.console.safe_text import for_message, for_terminal

Say = Callable[[str], None]
"""A receiver of messages for the user, line by line: `say`, or another function in a test or a program."""
LONGEST = 2000
"""Characters of a line that is said: a message that repeats what was found must not fill the screen with it."""
SHOWN = 900
"""Characters of either end of a longer one that are shown."""


def say(line: str) -> None:
    """Print a message on standard error: standard output is for results."""
    print(_shorten(for_message(line)), file=sys.stderr, flush=True)


@contextmanager
def said_meanwhile(line: str) -> Iterator[None]:
    """Show a line on standard error for the time of a block, where that is a terminal, and take it back at its end."""
    shown = sys.stderr is not None and sys.stderr.isatty()
    if shown:
        print(for_message(line), end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def say_error(message: object) -> None:
    """Print the one message of a command that ends with an error, on standard error."""
    print(_shorten(for_message(f"catscale: {message}")), file=sys.stderr, flush=True)


def print_result(text: object) -> None:
    """Print a line of a command's result, such as the path of what it made, on standard output."""
    print(for_message(text), flush=True)


def print_json(content: object) -> None:
    """Print plain data as JSON on standard output, every character beyond ASCII as its escape sequence."""
    print(json.dumps(content, indent=2, allow_nan=False).replace("\x7f", "\\u007f"), flush=True)


def print_cells(cells: Sequence[str]) -> None:
    """Print a line that another program reads, such as a translation, on standard output, tabs between its cells.

    They stay as they are, character by character, unless it is a terminal that reads them.
    """
    print("\t".join(map(for_terminal, cells) if sys.stdout.isatty() else cells), flush=True)


def _shorten(text: str) -> str:
    """Leave out the middle of every line that is too long: what is wrong stands at its head, what to do at its end."""
    return "\n".join(
        line if len(line) <= LONGEST else f"{line[:SHOWN]} [… {len(line) - 2 * SHOWN:,} more …] {line[-SHOWN:]}"
        for line in text.split("\n")
    )
