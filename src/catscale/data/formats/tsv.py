"""The format `tsv`: a table, columns divided by tabs, without any quoting."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from catscale.data.formats.contract import FileFormat, Names, Samples
from catscale.data.formats.lines import read_lines
from catscale.data.languages.codes import choose_name
from catscale.data.languages.identifiers import SAMPLE
from catscale.data.pairs import Placed
from catscale.errors import DataError

NULL = "__NULL__"


def place_table(path: Path, columns: tuple[int | str, int | str]) -> Iterator[Placed]:
    """Yield the pairs of two columns of a tab-separated file, without any quoting, with their line.

    Lines with nothing on them are passed over.

    Args:
        path: The file.
        columns: Source and target as names in the header, or as indices from 0 in a file without header.

    Raises:
        DataError: If a column is not in the header or a row is too short (with its line).
    """
    lines, first = read_lines(path), 1
    if isinstance(columns[0], str) and isinstance(columns[1], str):
        header = split_row(next(lines))
        columns, first = (_column(columns[0], header, path), _column(columns[1], header, path)), 2
    left, right, empty = int(columns[0]), int(columns[1]), True
    for number, line in enumerate(lines, start=first):
        if not line:
            continue
        cells, empty = split_row(line), False
        if len(cells) <= max(left, right):
            raise DataError(
                f"{path}, line {number} has {len(cells)} columns, column {max(left, right) + 1} is needed; "
                "columns are separated by one tab, so complete the row"
            )
        yield number, (cells[left], cells[right])
    if empty:
        raise DataError(f"{path} is empty below its header; a split needs at least one row")


def split_row(line: str) -> list[str]:
    """Split a row at its tabs; a missing translation (`__NULL__`) becomes an empty text."""
    return ["" if cell.strip() == NULL else cell for cell in line.split("\t")]


def _column(name: str, header: list[str], path: Path) -> int:
    names = [cell.strip() for cell in header]
    found = choose_name(names, name, path)
    if found is None:
        raise DataError(
            f"{path} has no column {name!r} in its header, which is: {', '.join(names)[:200]}; "
            "name the columns in data.columns (or give their indices if the file has no header)"
        )
    if names.count(found) > 1:
        raise DataError(f"{path} has {names.count(found)} columns {found!r} in its header; rename all but one of them")
    return names.index(found)


def _table_groups(path: Path) -> Names:
    return [{cell.strip() for cell in split_row(next(read_lines(path)))} - {""}]


def _table_samples(path: Path) -> Samples:
    header, *rows = (split_row(line) for line in islice(read_lines(path), SAMPLE + 1))
    return {name.strip(): [row[n] for row in rows if n < len(row)] for n, name in enumerate(header)}


def _place_table(path: Path, source: str, target: str) -> Iterator[Placed]:
    return place_table(path, (source, target))


TSV = FileFormat(
    "a table, columns divided by tabs",
    ("{pair}/{split}.tsv", "{split}.{pair}.tsv", "{split}.tsv"),
    place=_place_table,
    groups=_table_groups,
    by_header=True,
    samples=_table_samples,
    place_columns=place_table,
    streams=True,
    endings=(".tsv",),
)
