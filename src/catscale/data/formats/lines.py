r"""Lines of text files: UTF-8, split on "\n" alone, plain or gzip, never the whole file in memory.

Python's own line splitting also cuts at U+2028, form feeds and single carriage returns, which stand inside
sentences of real corpora; the two sides of a pair would then drift apart.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from io import BufferedIOBase
from itertools import islice
from pathlib import Path
from typing import IO, TypeVar

from catscale.errors import DataError, UnreadableError

T = TypeVar("T")
BLOCK = 100  # lines that are counted at once
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OF_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # its byte order marks, with which editors and spreadsheets begin a file
OF_GZIP = b"\x1f\x8b"


def open_bytes(path: Path) -> BufferedIOBase:
    """Open a plain or (by its name) a gzip file for reading."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def read_lines(path: Path) -> Iterator[str]:
    r"""Yield a file's lines without their "\n" or "\r\n"; a byte order mark at its start is skipped.

    Raises:
        DataError: If the file cannot be read, is empty, or is not UTF-8 (with the line's number).
    """
    number = 0
    try:
        with open_bytes(path) as file:
            for number, raw in enumerate(file, start=1):
                if number == 1:
                    raw = raw.removeprefix(BYTE_ORDER_MARK)
                yield _decode(raw, path, number).removesuffix("\n").removesuffix("\r")
    except (OSError, EOFError, zlib.error) as error:
        damaged = isinstance(error, EOFError | zlib.error | gzip.BadGzipFile)
        raise (DataError if damaged else UnreadableError)(
            f"cannot read {path} after line {number}: {getattr(error, 'strerror', None) or error}; "
            "check that the file is complete and readable"
        ) from error
    if number == 0:
        raise DataError(f"{path} is empty; a split needs at least one line, so fill the file or remove it")


def _decode(raw: bytes, path: Path, number: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {number} is not valid UTF-8: byte 0x{raw[error.start]:02x} at position "
            f"{error.start + 1}; {advise_on(raw, number)}"
        ) from error


def advise_on(raw: bytes, number: int) -> str:
    """Return advice on a line that is not UTF-8, by how the file begins.

    Args:
        raw: The line.
        number: The line's number; only the first one tells.
    """
    if number == 1 and raw.startswith(OF_GZIP):
        return "it is compressed by gzip: unpack it, as in: zcat FILE | … (a file of a corpus may end in .gz)"
    encoding = "utf-16" if number == 1 and raw.startswith(OF_UTF16) else "latin1"
    return f"convert the file, as in: iconv -f {encoding} -t utf-8"


def write_lines(file: IO[bytes], lines: Iterable[str]) -> None:
    r"""Append lines, which must not contain "\n", to a file of ours."""
    file.write("".join([f"{line}\n" for line in lines]).encode("utf-8"))


def read_written(path: Path) -> Iterator[str]:
    r"""Yield the lines that `write_lines` wrote: only "\n" is taken off."""
    with path.open("rb") as file:
        for raw in file:
            yield raw[:-1].decode("utf-8")


def read_together(paths: Iterable[Path], count: int, characters: int) -> Iterator[list[list[str]]]:
    r"""Yield the lines of files that `write_lines` wrote, the same ones of each, some at a time.

    Args:
        paths: The files, with as many lines each.
        count: The most lines at a time, a multiple of 100.
        characters: The bytes of all files at a time, about.

    Raises:
        ValueError: If one has more lines.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb")) for path in paths]
        is_open = True
        while is_open:
            taken: list[list[bytes]] = [[] for _ in files]
            held = 0
            while is_open and len(taken[0]) < count and held < characters:
                blocks = [list(islice(file, BLOCK)) for file in files]
                if len(set(map(len, blocks))) > 1:
                    raise ValueError(f"{' and '.join(str(file.name) for file in files)} have not as many lines each")
                is_open = len(blocks[0]) == BLOCK
                for lines, block in zip(taken, blocks, strict=True):
                    lines += block
                    held += sum(map(len, block))
            if taken[0]:
                yield [b"".join(lines)[:-1].decode("utf-8").split("\n") for lines in taken]


def read_raw(paths: Iterable[Path]) -> Iterator[bytes]:
    r"""Yield the lines of several files that `write_lines` wrote, as bytes without "\n"."""
    for path in paths:
        with path.open("rb") as file:
            for raw in file:
                yield raw[:-1]


def in_chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield consecutive lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
