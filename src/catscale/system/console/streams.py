"""Standard input, output and error of a command: there, able to write every character, and no reason to stop."""

import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from catscale.errors import ConfigError

STREAMS = ("input", "output", "error")
_closed: set[str] = set()


class EnduringText(io.TextIOWrapper):
    """Text for somebody who may go away: what a closed terminal or a broken pipe no longer takes is dropped."""

    def write(self, text: str, /) -> int:
        """Write a text, or drop it."""
        try:
            return super().write(text)
        except OSError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        """Hand on what is held back, or drop it."""
        try:
            super().flush()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        """Let the descriptor lead nowhere from now on; what is held back goes there too."""
        redirect(self.fileno())
        with suppress(OSError):
            super().flush()


def prepare_streams() -> None:
    """Make the standard streams safe to use, whatever the shell did to them.

    A closed one becomes the null device, so that no file of ours gets its number, and `print(file=sys.stderr)` does not
    fall back to standard output. Characters that the encoding lacks are written as `\\xNN`. Standard error that breaks
    is dropped: messages are no reason to lose a training.
    """
    for descriptor, name in enumerate(STREAMS):
        try:
            os.fstat(descriptor)
        except OSError:
            redirect(descriptor)
            _closed.add(name)
    if sys.stdout is None:
        sys.stdout = _nowhere()
    if sys.stderr is None:
        sys.stderr = _nowhere()
    elif sys.stderr is sys.__stderr__:
        sys.stderr = EnduringText(
            sys.__stderr__.buffer, sys.__stderr__.encoding, "backslashreplace", line_buffering=True, write_through=True
        )
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def require_output(instead: str) -> None:
    """Refuse to work for nobody.

    Args:
        instead: Advice to the user, as in "name a file with --output".

    Raises:
        ConfigError: If standard output was closed when the command began.
    """
    if "output" in _closed:
        raise ConfigError(f"standard output is closed, and the result would be lost; {instead}")


def write_utf8() -> None:
    """Write standard output as UTF-8, whatever the environment says: translations and JSON are for programs."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def settle_output() -> None:
    """Drop what standard output holds back and can no longer hand on, so that Python's end does not fail of it."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            redirect(sys.stdout.fileno())


def redirect(descriptor: int) -> None:
    """Let a descriptor, also that of a child process, lead to the null device."""
    null = os.open(os.devnull, os.O_RDWR)
    if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)
    os.set_inheritable(descriptor, True)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")
