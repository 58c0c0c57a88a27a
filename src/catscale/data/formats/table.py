"""The formats whose files hold both sides of their pairs: how one file is read, and which languages it holds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from catscale.data.corpora.placed import Placed
from catscale.data.formats.lines import read_lines
from catscale.data.formats.parquet import parquet_columns, parquet_samples, place_parquet
from catscale.data.formats.ted import place_ted, ted_columns
from catscale.data.formats.text import place_jsonl, place_records, place_table, split_row
from catscale.data.formats.tmx import place_tmx, tmx_languages
from catscale.data.formats.xliff import place_xliff, xliff_languages
from catscale.data.languages.identifiers import SAMPLE

Place = Callable[[Path, str, str], Iterator[Placed]]
Groups = list[set[str]]
Samples = dict[str, list[str]]


def _no_samples(path: Path) -> Samples:
    return {}


@dataclass(frozen=True)
class FileFormat:
    """A format.

    Attributes:
        place: A file and the names of source and target in it → their pairs, with their lines.
        groups: A file → the sets of names that stand together in it, of columns or languages.
        by_header: Whether `groups` reads only a header, so that it tells at once whether a language is there.
        samples: A file → some values of each name; none where a name is said to be a language, as in XML.
    """

    place: Place
    groups: Callable[[Path], Groups]
    by_header: bool = False
    samples: Callable[[Path], Samples] = _no_samples


def _table_groups(path: Path) -> Groups:
    return [{cell.strip() for cell in split_row(next(read_lines(path)))} - {""}]


def _table_samples(path: Path) -> Samples:
    header, *rows = (split_row(line) for line in islice(read_lines(path), SAMPLE + 1))
    return {name.strip(): [row[n] for row in rows if n < len(row)] for n, name in enumerate(header)}


def _record_groups(path: Path) -> Groups:
    """The keys that have a text in one line; what else there is, such as numbers, is no language."""
    found = {frozenset(k for k, value in record.items() if isinstance(value, str)) for _, record in place_records(path)}
    return [set(group) for group in found]


def _record_samples(path: Path) -> Samples:
    found: Samples = {}
    for _, record in islice(place_records(path), SAMPLE):
        for key, value in record.items():
            if isinstance(value, str):
                found.setdefault(key, []).append(value)
    return found


def _place_table(path: Path, source: str, target: str) -> Iterator[Placed]:
    return place_table(path, (source, target))


FORMATS = {
    "tsv": FileFormat(_place_table, _table_groups, by_header=True, samples=_table_samples),
    "jsonl": FileFormat(place_jsonl, _record_groups, samples=_record_samples),
    "ted": FileFormat(place_ted, lambda path: [ted_columns(path)], by_header=True),
    "tmx": FileFormat(place_tmx, tmx_languages),
    "xliff": FileFormat(place_xliff, xliff_languages),
    "parquet": FileFormat(
        place_parquet, parquet_columns, by_header=True, samples=lambda path: parquet_samples(path, SAMPLE)
    ),
}
