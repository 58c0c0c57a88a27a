"""The formats `opus100` and `moses`: a file for each language, in which line n translates line n of the other."""

from collections.abc import Iterator
from itertools import chain, zip_longest
from pathlib import Path

from catscale.data.formats.contract import AlignedFormat
from catscale.data.formats.lines import read_lines
from catscale.data.pairs import Placed
from catscale.errors import DataError


def place_aligned(source: Path, target: Path) -> Iterator[Placed]:
    """Yield the pairs of two files, line by line, with their line; what only one has at its end may be empty lines.

    Raises:
        DataError: If one file has fewer lines than the other (both counts).
    """
    sources, targets = read_lines(source), read_lines(target)
    for count, (left, right) in enumerate(zip_longest(sources, targets)):
        if left is None or right is None:
            rest = [bool(line.strip()) for line in chain([left or right or ""], targets if left is None else sources)]
            if not any(rest):
                return
            longer = count + len(rest)
            found = (count, longer) if left is None else (longer, count)
            raise DataError(
                f"{source} has {found[0]:,} lines and {target} has {found[1]:,}; line n of one must translate "
                f"line n of the other, so find the missing line"
            )
        yield count + 1, (left, right)


OPUS100 = AlignedFormat(
    "a file for each language, named as in OPUS-100",
    (
        "supervised/{pair}/opus.{pair}-{split}.{lang}",
        "{pair}/opus.{pair}-{split}.{lang}",
        "opus.{pair}-{split}.{lang}",
        "zero-shot/{pair}/opus.{pair}-{split}.{lang}",
    ),
)
MOSES = AlignedFormat(
    "a file for each language, named as for Moses",
    (
        "{pair}/{split}.{pair}.{lang}",
        "{pair}/{split}.{lang}",
        "{split}.{pair}.{lang}",
        "{split}.{lang}",
    ),
)
