"""Reading XML as a stream of tags and text, with a bounded memory and without the traps of XML.

Entities are the trap: a few nested ones expand to gigabytes, and external ones name files and addresses. Expat fetches
nothing by itself and, since 2.4.0, bounds the expansion; here a file that declares any entity is refused, which is what
defusedxml would add. A DOCTYPE that only names a DTD, as most TMX files have, is read over.
"""

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol
from xml.parsers import expat

from catscale.data.formats.lines import open_bytes
from catscale.errors import DataError

CHUNK = 1 << 19  # bytes
LONGEST_TAG = 1 << 24  # bytes; a tag or comment is read again with every chunk until it is complete


class Start(NamedTuple):
    """A tag opens: its name without prefix, its attributes, its line in the file."""

    name: str
    attributes: Mapping[str, str]
    line: int


class End(NamedTuple):
    """A tag closes."""

    name: str


class SegmentText(NamedTuple):
    """Text between two tags, perhaps in several pieces; line feeds have become spaces."""

    text: str


Event = Start | End | SegmentText


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        ...


def read_events(path: Path) -> Iterator[Event]:
    """Yield the tags and the text of a file, plain or gzip, UTF-8 or as its declaration says.

    Raises:
        DataError: As `parse_events`, and if the file cannot be read.
    """
    try:
        file = open_bytes(path)
    except OSError as error:
        raise _unreadable(_Reader(path), error) from error
    with file:
        yield from parse_events(file, path)


def parse_events(file: Readable, path: Path) -> Iterator[Event]:
    """Yield the tags and the text of a stream, UTF-8 or as its declaration says.

    Args:
        file: The unpacked stream.
        path: Its file, for messages.

    Raises:
        DataError: If it cannot be read, is empty, is not well-formed, declares entities or uses an undeclared one, or
            holds a tag of more than 16 MiB (with the line).
    """
    reader = _Reader(path)
    try:
        while chunk := file.read(CHUNK):
            yield from reader.feed(chunk)
        yield from reader.feed(b"")
    except expat.ExpatError as error:
        problem = "is empty" if not reader.fed else f"is not well-formed XML: {expat.errors.messages[error.code]}"
        raise reader.error(f"{problem}; mend or complete the file", error.lineno) from error
    except (LookupError, ValueError) as error:
        raise reader.error(f"names an encoding that cannot be read ({error}); convert it to UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(reader, error) from error


def _unreadable(reader: "_Reader", error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or error
    return reader.error(f"cannot be read further: {reason}; check that the file is complete")


class _Reader:
    """Collects what the parser finds in one chunk."""

    def __init__(self, path: Path) -> None:
        self.path, self.fed = path, 0
        self.events: list[Event] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = lambda name: self.events.append(End(_local(name)))
        self.parser.CharacterDataHandler = lambda text: self.events.append(SegmentText(text.replace("\n", " ")))
        self.parser.EntityDeclHandler = self._refuse_entity
        self.parser.SkippedEntityHandler = self._refuse_unknown

    def feed(self, chunk: bytes) -> list[Event]:
        """Parse some bytes, or the end of the file if there are none, and give what was completed."""
        self.events = []
        self.fed += len(chunk)
        self.parser.Parse(chunk, not chunk)
        if self.fed - max(0, self.parser.CurrentByteIndex) > LONGEST_TAG:
            raise self.error(f"has a tag or a comment of more than {LONGEST_TAG >> 20} MiB; is this the right file?")
        return self.events

    def error(self, problem: str, line: int | None = None) -> DataError:
        """Return an error that names the file and the line."""
        return DataError(f"{self.path}, line {line or self.parser.CurrentLineNumber} {problem}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.events.append(Start(_local(name), attributes, self.parser.CurrentLineNumber))

    def _refuse_entity(self, name: str, *_: object) -> None:
        raise self.error(
            f"declares the entity {name!r}, which can stand for any amount of text or for another file; entities are "
            "refused: write out what they stand for"
        )

    def _refuse_unknown(self, name: str, is_parameter: bool) -> None:
        if not is_parameter:
            raise self.error(f"uses the entity &{name}; of a DTD, which is not read; write the character itself")


def _local(name: str) -> str:
    """Return a tag's name without its prefix."""
    return name.rpartition(":")[2]


def language_of(attributes: Mapping[str, str]) -> str | None:
    """Return the language that a tag declares by `xml:lang`, or `lang` as older files have it."""
    return attributes.get("xml:lang") or attributes.get("lang")
