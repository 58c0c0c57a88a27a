"""Sentence pairs from files: two aligned files, a table, or JSON lines. All of them stream.

`place_…` gives every pair with its line, `read_…` the pairs alone.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from catscale.data.corpora.placed import Pair, Placed, without_places
from catscale.data.formats.lines import read_lines
from catscale.data.languages.codes import choose_name
from catscale.errors import DataError

__all__ = ["NULL", "Pair", "place_aligned", "place_jsonl", "place_table", "read_aligned", "read_jsonl", "read_table"]

NULL = "__NULL__"
RECORD = "translation"  # the key of an object of texts by language, as on the Hugging Face Hub
LIKE = '{"translation": {"en": "…", "de": "…"}}'
Record = Mapping[str, Any]


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


def place_records(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield what each line holds, with its number: the object under "translation", or else the line's object itself.

    Raises:
        DataError: If a line is no object (with its number).
    """
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            yield number, _record(line, path, number)


class Repeating(dict[str, Any]):
    """An object of JSON that has keys twice, of which `dict` would silently keep the last value.

    Attributes:
        keys_twice: Those keys, but those whose values are equal.
    """

    keys_twice: frozenset[str] = frozenset()


def _as_object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) == len(items):
        return found
    repeating = Repeating(found)
    repeating.keys_twice = frozenset(key for key, value in items if value != found[key])
    return repeating


def _record(line: str, path: Path, number: int) -> Record:
    try:
        return texts_of(json.loads(line, parse_int=float, object_pairs_hook=_as_object))
    except (ValueError, RecursionError) as error:
        raise _not_a_record(line, path, number) from error


def _not_a_record(line: str, path: Path, number: int) -> DataError:
    is_document = number == 1 and line.lstrip("\ufeff \t")[:1] == "["
    remedy = (
        "a list is no JSON lines, so write one object a line, as in: jq -c '.[]'" if is_document else "fix the line"
    )
    return DataError(f"{path}, line {number} is not an object like {LIKE}: {line[:80]!r}; {remedy}")


def texts_of(record: Any) -> Record:
    """The values by language of a record: those under "translation" if they are an object, else its own.

    Raises:
        ValueError: If there is no object.
    """
    if isinstance(record, Repeating) and RECORD in record.keys_twice:
        raise ValueError(f"{RECORD} stands in it twice")
    inner = record.get(RECORD, record) if isinstance(record, Mapping) else None
    if inner is None and isinstance(record, Mapping):
        return {}  # a row without a translation
    if isinstance(record, Mapping) and not isinstance(inner, Mapping) and (isinstance(inner, str) or len(record) > 1):
        return record  # a key that happens to have the name
    if not isinstance(inner, Mapping):
        raise ValueError("no object of texts by language")
    return inner


def pair_of(record: Record, source: str | None, target: str | None) -> tuple[Any, Any] | None:
    """The two values of a record; None if a key is missing, or if both values are null.

    Where one of them is null, it becomes an empty text, by which the pair is counted and left out.
    """
    if source is None or target is None or source not in record or target not in record:
        return None
    left, right = record[source], record[target]
    if left is None and right is None:
        return None
    return ("" if left is None else left, "" if right is None else right)


def place_jsonl(path: Path, source: str, target: str) -> Iterator[Placed]:
    r"""Yield the pairs of the lines that have both languages, with their line; a "\n" inside a text becomes a space.

    What else a line holds is ignored: numbers, lists, objects, texts under other keys.

    Raises:
        DataError: If a line is no object, or holds something else in the place of a text (with its number).
    """
    for number, record in place_records(path):
        names = choose_name(record, source, path), choose_name(record, target, path)
        twice = record.keys_twice.intersection(names) if isinstance(record, Repeating) else ()
        if twice:
            raise DataError(
                f"{path}, line {number} has the key {min(map(str, twice))!r} twice, with different values; which is "
                "meant is not known, so remove one"
            )
        for name in names:
            if name is not None and not is_text(record[name]):
                raise DataError(
                    f"{path}, line {number} is not an object like {LIKE}: under {name!r} it holds {record[name]!r:.60} "
                    "where a text is needed; fix the line"
                )
        if (pair := pair_of(record, *names)) is not None:
            yield number, (pair[0].replace("\n", " "), pair[1].replace("\n", " "))


def is_text(value: Any) -> bool:
    """Whether a value is a text that UTF-8 can write, or null; a lone surrogate is valid JSON but no text."""
    if value is None:
        return True
    try:
        return isinstance(value, str) and bool(value.encode("utf-8") or True)
    except UnicodeEncodeError:
        return False


def read_aligned(source: Path, target: Path) -> Iterator[Pair]:
    """Yield the pairs of `place_aligned`."""
    return without_places(place_aligned(source, target))


def read_table(path: Path, columns: tuple[int | str, int | str]) -> Iterator[Pair]:
    """Yield the pairs of `place_table`."""
    return without_places(place_table(path, columns))


def read_jsonl(path: Path, source: str, target: str) -> Iterator[Pair]:
    """Yield the pairs of `place_jsonl`."""
    return without_places(place_jsonl(path, source, target))
