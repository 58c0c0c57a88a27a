"""Records: objects of texts by language, as the Hugging Face Hub has them, of JSON lines or of a dataset."""

from collections.abc import Mapping
from typing import Any

RECORD = "translation"  # the key of an object of texts by language
Record = Mapping[str, Any]


class Repeating(dict[str, Any]):
    """An object of JSON that has keys twice, of which `dict` would silently keep the last value.

    Attributes:
        keys_twice: The repeated keys whose values differ.
    """

    keys_twice: frozenset[str] = frozenset()


def texts_of(record: Any) -> Record:
    """Return the values by language of a record: those under "translation" if they are an object, else its own.

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
    """Return the two values of a record; None if a key is missing, or if both values are null.

    Where one of them is null, it becomes an empty text, by which the pair is counted and left out.
    """
    if source is None or target is None or source not in record or target not in record:
        return None
    left, right = record[source], record[target]
    if left is None and right is None:
        return None
    return ("" if left is None else left, "" if right is None else right)


def is_text(value: Any) -> bool:
    """Return whether a value is a text that UTF-8 can write, or null; a lone surrogate is valid JSON but no text."""
    if value is None:
        return True
    try:
        return isinstance(value, str) and bool(value.encode("utf-8") or True)
    except UnicodeEncodeError:
        return False
