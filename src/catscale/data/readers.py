"""Sentence pairs from files: two aligned files, a table, or JSON lines. All of them stream."""

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from catscale.data.lines import read_lines
from catscale.errors import DataError

Pair = tuple[str, str]
NULL = "__NULL__"


def read_aligned(source: Path, target: Path) -> Iterator[Pair]:
    """Yield the pairs of two files, line by line.

    Raises:
        DataError: If one file has fewer lines than the other (both counts).
    """
    sources, targets = read_lines(source), read_lines(target)
    for count, (left, right) in enumerate(zip_longest(sources, targets)):
        if left is None or right is None:
            longer = count + 1 + sum(1 for _ in (targets if left is None else sources))
            found = (count, longer) if left is None else (longer, count)
            raise DataError(
                f"{source} has {found[0]:,} lines and {target} has {found[1]:,}; line n of one must translate "
                f"line n of the other, so find the missing line"
            )
        yield left, right


def read_table(path: Path, columns: tuple[int | str, int | str]) -> Iterator[Pair]:
    """Yield the pairs of two columns of a tab-separated file, without any quoting.

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
        cells, empty = split_row(line), False
        if len(cells) <= max(left, right):
            raise DataError(
                f"{path}, line {number} has {len(cells)} columns, column {max(left, right) + 1} is needed; "
                "columns are separated by one tab, so complete the row"
            )
        yield cells[left], cells[right]
    if empty:
        raise DataError(f"{path} is empty below its header; a split needs at least one row")


def split_row(line: str) -> list[str]:
    """Split a row at its tabs; a missing translation (`__NULL__`) becomes an empty text."""
    return ["" if cell.strip() == NULL else cell for cell in line.split("\t")]


def _column(name: str, header: list[str], path: Path) -> int:
    names = [cell.strip() for cell in header]
    if name not in names:
        raise DataError(
            f"{path} has no column {name!r} in its header, which is: {', '.join(names)[:200]}; "
            "name the columns in data.columns (or give their indices if the file has no header)"
        )
    return names.index(name)


def read_records(path: Path) -> Iterator[dict[str, str]]:
    r"""Yield the texts by language of each line `{"translation": {"en": "…", "de": "…"}}`.

    Languages without a text (null) are left out; a "\n" inside a text becomes a space, so that a sentence
    stays one line.

    Raises:
        DataError: If a line is not such an object (with its number).
    """
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            yield _record(line, path, number)


def _record(line: str, path: Path, number: int) -> dict[str, str]:
    try:
        record: Any = json.loads(line)
        record = record.get("translation", record)
        texts = {code: text.replace("\n", " ") for code, text in record.items() if text is not None}
        for text in texts.values():
            text.encode("utf-8")  # a lone surrogate is valid JSON but no text
    except (ValueError, AttributeError, RecursionError) as error:
        raise DataError(
            f'{path}, line {number} is not an object like {{"translation": {{"en": "…", "de": "…"}}}}: '
            f"{line[:80]!r}; mend the line"
        ) from error
    return texts


def read_jsonl(path: Path, source: str, target: str) -> Iterator[Pair]:
    """Yield the pairs of the records that have both languages."""
    for texts in read_records(path):
        if source in texts and target in texts:
            yield texts[source], texts[target]
