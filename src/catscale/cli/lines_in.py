"""Lines of a file, a pipe or a terminal, in lists of as many as are there.

A file comes in large lists. From a terminal, or a pipe that pauses, a line is handed on when it comes, not at the end
of the file.
"""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from catscale.data.formats.lines import advise_on
from catscale.errors import ConfigError
from catscale.evaluation.translate import CHUNK, LONGEST
from catscale.system.writing.files import user_errors

PAUSE = 0.01
"""Seconds without anything to read after which what was read is handed on."""
BLOCK = 1 << 16
"""Bytes read at a time."""


@contextmanager
def open_lines(path: Path | None, most: int = CHUNK) -> Iterator[Iterator[list[str]]]:
    """Open a file or standard input.

    Args:
        path: None for standard input.
        most: Lines of a list.

    Yields:
        Lists of lines, cut at line feeds only and without them, each at most `LONGEST` characters of its line.

    Raises:
        ConfigError: If they are not UTF-8, naming the line, or there is no standard input.
        CatscaleError: If the file cannot be read.
    """
    if path is None and sys.stdin is None:
        raise ConfigError("standard input is closed; pipe text in, or name a file with --input")
    name = "standard input" if path is None else str(path)
    with ExitStack() as stack:
        if path is None:
            binary: BinaryIO = sys.stdin.buffer
        else:
            with user_errors("read", path):
                binary = stack.enter_context(path.open("rb"))
        yield _decode(_raw_lists(binary, most), name)


def _decode(lists: Iterator[list[bytes]], name: str) -> Iterator[list[str]]:
    number = 0
    for raw in lists:
        lines = []
        for line in raw:
            number += 1
            try:
                # a byte order mark is no text
                lines.append(line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\n")[:LONGEST])
            except UnicodeDecodeError as error:
                raise ConfigError(
                    f"{name}, line {number}: not valid UTF-8 ({error.reason}); {advise_on(line, number)}"
                ) from error
        yield lines


def _raw_lists(binary: BinaryIO, most: int) -> Iterator[list[bytes]]:
    """Yield lists of lines: as many as are there if the input can be waited for, `most` otherwise."""
    try:
        descriptor = binary.fileno()
        select.select([descriptor], [], [], 0)
    except (OSError, ValueError):  # a stand-in of a test; a pipe on Windows
        while lines := list(islice(binary, most)):
            yield lines
        return
    yield from _as_they_come(descriptor, most)


def _as_they_come(descriptor: int, most: int) -> Iterator[list[bytes]]:
    lines: list[bytes] = []
    begun: list[bytes] = []  # parts of a line that has not ended
    while data := os.read(descriptor, BLOCK):
        first, *others = data.split(b"\n")
        begun.append(first)
        if others:
            lines += [b"".join(begun), *others[:-1]]
            begun = [others[-1]]
        while len(lines) >= most:
            yield lines[:most]
            del lines[:most]
        if lines and not select.select([descriptor], [], [], PAUSE)[0]:
            yield lines
            lines = []
    last = b"".join(begun)
    if lines or last:
        yield [*lines, *([last] if last else [])]
