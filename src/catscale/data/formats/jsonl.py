"""The format `jsonl`: JSON lines, an object of texts by language on each."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from catscale.data.formats.contract import FileFormat, Names, Samples
from catscale.data.formats.lines import read_lines
from catscale.data.formats.records import Record, Repeating, is_text, pair_of, texts_of
from catscale.data.languages.codes import choose_name
from catscale.data.languages.identifiers import SAMPLE
from catscale.data.pairs import Placed
from catscale.errors import DataError

LIKE = '{"translation": {"en": "…", "de": "…"}}'


def place_records(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield what each line holds, with its number: the object under "translation", or else the line's object itself.

    Raises:
        DataError: If a line is no object (with its number).
    """
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            yield number, _record(line, path, number)


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


def _record_groups(path: Path) -> Names:
    """Return the keys that have a text in one line; others, such as numbers, are no languages."""
    found = {frozenset(k for k, value in record.items() if isinstance(value, str)) for _, record in place_records(path)}
    return [set(group) for group in found]


def _record_samples(path: Path) -> Samples:
    found: Samples = {}
    for _, record in islice(place_records(path), SAMPLE):
        for key, value in record.items():
            if isinstance(value, str):
                found.setdefault(key, []).append(value)
    return found


JSONL = FileFormat(
    'JSON lines, `{"translation": {"en": …, "de": …}}` or `{"en": …, "de": …}`',
    # transformers' examples ask for the ending json where they mean JSON lines
    (
        "{pair}/{split}.jsonl|{split}.json",
        "{split}.{pair}.jsonl|{split}.{pair}.json",
        "{split}.jsonl|{split}.json",
    ),
    place=place_jsonl,
    groups=_record_groups,
    samples=_record_samples,
    streams=True,
    endings=(".jsonl",),
)
