"""Sentence pairs as publishers keep them: aligned lines, tagged lines, segments of SGML, columns, translation memories.

All but segments, which are small files of dev and test sets, are read as streams.
"""

import html
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from catscale.data.formats.tmx import read_units
from catscale.data.formats.xml_stream import parse_events
from catscale.data.languages.tags import choose_text
from catscale.data.pairs import Pair
from catscale.errors import DataError
from catscale.recipes.streams import ArchiveLimits, open_stream, read_text_lines

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
        DataError: If it is not well-formed XML, declares entities, or has a unit of more than 1 Mi characters.
    """
    with open_stream(path, limits) as stream:
        for _, texts in read_units(parse_events(stream, path), path, MAX_UNIT):
            left, right = choose_text(texts, languages[0]), choose_text(texts, languages[1])
            if left is not None and right is not None:
                yield one_line(left), one_line(right)
