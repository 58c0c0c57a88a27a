"""Compressed files read as a stream that never grows beyond stated limits.

What a file says of its own size is not believed: bytes are counted as they come out, and the reading stops at the
limit, so that a bomb costs neither memory nor disk.
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from catscale.errors import DataError
from catscale.recipes.remote_file import RemoteFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 2**20
MAX_LINE = 2**24
RATIO_FREE = 2**20
"""Bytes that any file may unpack to, however small it is: the ratio of tiny files says nothing."""

XZ_MEMORY = 2**28
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


@dataclass(frozen=True)
class ArchiveLimits:
    """The limits up to which an archive is followed.

    Attributes:
        bytes: All that comes out of it.
        members: Its members.
    """

    bytes: int
    members: int

    @classmethod
    def of(cls, file: RemoteFile, path: Path) -> "ArchiveLimits":
        """Return the limits of a recipe's file, the ratio applied to its length on the disk."""
        by_ratio = max(int(file.max_ratio * path.stat().st_size), RATIO_FREE)
        return cls(min(file.max_unpacked_bytes, by_ratio), file.max_members)


class Bounded(io.RawIOBase):
    """A stream that refuses to yield more than a number of bytes.

    Args:
        inner: The decompressed stream.
        path: Its file, for messages.
        limit: The most bytes in all.
    """

    def __init__(self, inner: io.BufferedIOBase, path: Path, limit: int) -> None:
        self.inner, self.path, self.limit, self.count = inner, path, limit, 0
        self.allowance: int | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill a buffer."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, a chunk if no size is given.

        Raises:
            DataError: If the limit is reached, or the compressed data are damaged.
        """
        with damage_named(self.path):
            data = self.inner.read(min(size, CHUNK) if size >= 0 else CHUNK)
        self.count += len(data)
        if self.count > self.limit:
            raise DataError(
                f"{self.path} unpacks to more than {self.limit:,} bytes, which its length does not explain; "
                "it was not unpacked. If it is what its publisher made, raise max_unpacked_bytes or max_ratio "
                "of the file by --recipes"
            )
        if self.allowance is not None:
            self.allowance -= len(data)
            if self.allowance < 0:
                raise DataError(f"{self.path} has a header of unbelievable length; it was not unpacked, fetch it again")
        return data


class _Xz(io.BufferedIOBase):
    """xz with bounded memory, which `lzma.LZMAFile` does not offer."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.decoder = file, lzma.LZMADecompressor(memlimit=XZ_MEMORY)

    def read(self, size: int | None = -1) -> bytes:
        while True:
            if self.decoder.eof:
                rest = (self.decoder.unused_data or self.file.read(CHUNK)).lstrip(b"\0")  # padding between streams
                if not rest:
                    return b""
                self.decoder, raw = lzma.LZMADecompressor(memlimit=XZ_MEMORY), rest
            else:
                raw = self.file.read(CHUNK) if self.decoder.needs_input else b""
                if self.decoder.needs_input and not raw:
                    raise EOFError("the compressed data end early")
            if data := self.decoder.decompress(raw, -1 if size is None else size):
                return data


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn the errors of damaged compressed data into ours."""
    try:
        yield
    except (*DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's, not the data's
        raise DataError(f"{path} is damaged ({error}); delete it and fetch again") from error


@contextmanager
def open_stream(path: Path, limits: ArchiveLimits) -> Iterator[Bounded]:
    """Open a plain, gzip, bzip2 or xz file, known by its first bytes, for bounded reading.

    Raises:
        DataError: While reading, at a limit or where the data are damaged.
    """
    with path.open("rb") as file:
        start = file.read(6)
        file.seek(0)
        inner: io.BufferedIOBase = file
        if start.startswith(b"\x1f\x8b"):
            inner = gzip.GzipFile(fileobj=file)
        elif start.startswith(b"BZh"):
            inner = bz2.BZ2File(file)
        elif start.startswith(b"\xfd7zXZ\x00"):
            inner = _Xz(file)
        yield Bounded(inner, path, limits.bytes)


def read_text_lines(stream: Bounded) -> Iterator[str]:
    r"""Yield lines cut at "\n" alone, without it and without "\r" before it; a byte order mark is skipped.

    Raises:
        DataError: If a line is not UTF-8 or longer than 16 MiB (with its number).
    """
    buffered = io.BufferedReader(stream, CHUNK)
    number = 0
    while raw := buffered.readline(MAX_LINE):
        number += 1
        if len(raw) == MAX_LINE:
            raise DataError(f"{stream.path}, line {number} is longer than {MAX_LINE:,} bytes; it is no text, check it")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{stream.path}, line {number} is not valid UTF-8 ({error.reason}); fetch the file again"
            ) from error
        yield (text.removeprefix("\ufeff") if number == 1 else text).removesuffix("\n").removesuffix("\r")
