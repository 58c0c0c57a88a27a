"""The contract of a format of files: the names of its files, their reader, and what else can be done with it.

Legend: *place* gives every pair of a file with its line or row; all formats stream, so that a file may be larger than
the memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from catscale.data.pairs import Placed

Names = list[set[str]]
"""Sets of names, of columns or languages, that stand together in a file."""

Samples = dict[str, list[str]]
"""Some values of each name."""


def no_samples(path: Path) -> Samples:
    """Return nothing: every name is said to be a language, as in XML."""
    del path
    return {}


@dataclass(frozen=True)
class NamedFiles:
    """The common members of all formats of files.

    Attributes:
        summary: One line for the documentation.
        patterns: File names below the corpus' folder, in the order in which they are tried, with {split}, {source},
            {target}, {pair}, {lang}; `*` stands for any part of a name, `|` divides alternatives of the last part.
        dev_names: Further names of the split dev, beside `dev`.
    """

    summary: str
    patterns: tuple[str, ...]
    dev_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class AlignedFormat(NamedFiles):
    """A file for each language, in which line n translates line n of the other; every pattern has {lang}."""


@dataclass(frozen=True, kw_only=True)
class FileFormat(NamedFiles):
    """Files that hold both sides of their pairs.

    Attributes:
        place: A file and the names of source and target in it → their pairs, with their lines.
        groups: A file → the sets of names that stand together in it.
        by_header: Whether `groups` reads only a header, so that it tells at once whether a language is there.
        samples: A file → some values of each name; none where a name is said to be a language.
        place_columns: As `place`, with the indices of two columns of a file without header; None for no such files.
        is_text: Whether files are text: UTF-8 with or without a byte order mark, lines that end in "\\n" or "\\r\\n",
            plain or gzip.
        streams: Whether standard input may be of the format (`path: "-"`).
        has_tags: Whether languages are named by tags of BCP 47, which have hyphens.
        endings: The endings of the names of single files, by which `catscale data stats FILE` knows the format.
        extra: The extra of the package that it needs, as in `pip install catscale[EXTRA]`; empty for none.
        reading: Raised when the same files give other pairs than before, so that they are prepared again.
    """

    place: Callable[[Path, str, str], Iterator[Placed]]
    groups: Callable[[Path], Names]
    by_header: bool = False
    samples: Callable[[Path], Samples] = no_samples
    place_columns: Callable[[Path, tuple[int, int]], Iterator[Placed]] | None = None
    is_text: bool = True
    streams: bool = False
    has_tags: bool = False
    endings: tuple[str, ...] = ()
    extra: str = ""
    reading: int = 1
