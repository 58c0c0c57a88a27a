"""Sentence pairs as publishers keep them: aligned lines, tagged lines, segments of SGML, columns, translation memories.

All but segments, which are small files of dev and test sets, are read as streams.
"""

import html
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any
from xml.parsers import expat

from catscale.errors import DataError
from catscale.recipes.streams import CHUNK, ArchiveLimits, Bounded, open_stream, read_text_lines

Pair = tuple[str, str]
SEGMENT = re.compile(r"<seg\b[^>]*>(.*?)</seg>", re.DOTALL | re.IGNORECASE)
MAX_SEGMENT_FILE = 2**26
MAX_UNIT = 2**20


def one_line(text: str) -> str:
    """Return a text without line breaks, tabs and outer space, so that a sentence stays one line and a cell one
    cell."""
    return re.sub(r"[\r\n\t]+", " ", text).strip()


def read_lines_of(
    paths: tuple[Path, Path], limits: tuple[ArchiveLimits, ArchiveLimits], tagged: bool
) -> Iterator[Pair]:
    """Yield the pairs of two aligned files.

    Args:
        paths: The source's and the target's file.
        limits: The limits of each.
        tagged: Whether lines that begin with `<` (of either file) are no sentences.

    Raises:
        DataError: If one has fewer lines than the other.
    """
    with open_stream(paths[0], limits[0]) as left, open_stream(paths[1], limits[1]) as right:
        sides = zip_longest(read_text_lines(left), read_text_lines(right))
        for number, (source, target) in enumerate(sides, start=1):
            if source is None or target is None:
                shorter = paths[source is not None]
                raise DataError(
                    f"{paths[0]} and {paths[1]} do not belong together: {shorter.name} ends before line {number}; "
                    "line n of one must translate line n of the other, so fetch them again"
                )
            if not (tagged and (source.lstrip().startswith("<") or target.lstrip().startswith("<"))):
                yield (source.strip(), target.strip()) if tagged else (source, target)


def read_segments(paths: tuple[Path, Path]) -> Iterator[Pair]:
    """Yield the pairs of `<seg>…</seg>` of two files of a test set, in their order.

    Raises:
        DataError: If one has fewer segments than the other, or none.
    """
    sides = [[one_line(html.unescape(text)) for text in SEGMENT.findall(_whole(path))] for path in paths]
    if not sides[0] or len(sides[0]) != len(sides[1]):
        raise DataError(
            f"{paths[0]} has {len(sides[0]):,} segments and {paths[1]} has {len(sides[1]):,}; a test set needs as many "
            "of each, so fetch them again"
        )
    yield from zip(*sides, strict=True)


def _whole(path: Path) -> str:
    if path.stat().st_size > MAX_SEGMENT_FILE:
        raise DataError(f"{path} has more than {MAX_SEGMENT_FILE:,} bytes, too many for a test set; check the recipe")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not valid UTF-8 ({error.reason}); fetch it again") from error


def read_columns(path: Path, limits: ArchiveLimits, columns: tuple[int, int]) -> Iterator[Pair]:
    """Yield the pairs of two columns, by their indices from 0; a row without both yields two empty texts."""
    with open_stream(path, limits) as stream:
        for line in read_text_lines(stream):
            cells = line.split("\t")
            yield (cells[columns[0]], cells[columns[1]]) if len(cells) > max(columns) else ("", "")


def read_memory(path: Path, limits: ArchiveLimits, languages: tuple[str, str]) -> Iterator[Pair]:
    """Yield the pairs of a translation memory (TMX); units without both languages are left out.

    Raises:
        DataError: If it is not well-formed XML, defines entities, or has a unit of more than 1 Mi characters.
    """
    with open_stream(path, limits) as stream:
        for unit in _units(stream):
            if languages[0] in unit and languages[1] in unit:
                yield unit[languages[0]], unit[languages[1]]


def _units(stream: Bounded) -> Iterator[dict[str, str]]:
    """Yield language → text for each `<tu>`, reading a chunk at a time."""
    collector = _Collector(stream.path)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    parser.EntityDeclHandler = collector.entity
    try:
        while data := stream.read(CHUNK):
            parser.Parse(data)
            units, collector.units = collector.units, []
            yield from units
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise DataError(f"{stream.path} is not well-formed XML ({error}); delete it and fetch again") from error


class _Collector:
    """Handlers of the XML parser: texts of `<seg>` by the language of their `<tuv>`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.units: list[dict[str, str]] = []
        self._unit: dict[str, str] = {}
        self._language = ""
        self._pieces: list[str] | None = None
        self._length = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "tu":
            self._unit, self._length = {}, 0
        elif tag == "tuv":
            code = attributes.get("xml:lang", attributes.get("lang", ""))
            self._language = code.partition("-")[0].lower()
            self._count(len(code) + 1)
        elif tag == "seg":
            self._pieces = []

    def text(self, data: str) -> None:
        if self._pieces is not None:
            self._count(len(data))
            self._pieces.append(data)

    def _count(self, characters: int) -> None:
        self._length += characters
        if self._length > MAX_UNIT:
            raise DataError(f"{self.path} has a unit of more than {MAX_UNIT:,} characters; it is no corpus")

    def end(self, tag: str) -> None:
        if tag == "seg" and self._pieces is not None:
            self._unit[self._language], self._pieces = one_line("".join(self._pieces)), None
        elif tag == "tu":
            self.units.append(self._unit)
            self._unit = {}

    def entity(self, *_: Any) -> None:
        raise DataError(f"{self.path} defines entities, which no corpus needs; do not use this file")
