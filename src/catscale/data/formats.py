"""The formats whose files hold both sides of their pairs: how one file is read, and which languages it holds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from catscale.data.lines import read_lines
from catscale.data.parquet import parquet_languages, read_parquet
from catscale.data.readers import Pair, read_jsonl, read_records, read_table, split_row
from catscale.data.ted import read_languages, read_ted
from catscale.data.tmx import read_tmx, tmx_languages
from catscale.data.xliff import read_xliff, xliff_languages

Read = Callable[[Path, str, str], Iterator[Pair]]
Groups = list[set[str]]


@dataclass(frozen=True)
class FileFormat:
    """A format.

    Attributes:
        read: A file and the names of source and target in it → their pairs.
        groups: A file → the sets of languages that stand together in it.
        by_header: Whether `groups` reads only a header, so that it tells at once whether a language is there.
    """

    read: Read
    groups: Callable[[Path], Groups]
    by_header: bool = False


def _table_groups(path: Path) -> Groups:
    return [{cell.strip() for cell in split_row(next(read_lines(path)))}]


def _record_groups(path: Path) -> Groups:
    found = {frozenset(record) for record in read_records(path)}
    return [set(pair) for group in found for pair in combinations(sorted(group), 2)]


FORMATS = {
    "tsv": FileFormat(lambda path, source, target: read_table(path, (source, target)), _table_groups, by_header=True),
    "jsonl": FileFormat(read_jsonl, _record_groups),
    "ted": FileFormat(read_ted, lambda path: [set(read_languages(path))], by_header=True),
    "tmx": FileFormat(read_tmx, tmx_languages),
    "xliff": FileFormat(read_xliff, xliff_languages),
    "parquet": FileFormat(read_parquet, parquet_languages, by_header=True),
}
