"""Reading JSON that lies on a disk: within limits, no key repeated, no NaN, and what its schema says."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel

from catscale.errors import CatscaleError
from catscale.system.reading.regular_file import MEBIBYTE, read_regular, reason_of
from catscale.system.reading.schema import check

DEPTH = 64
"""Levels of lists and mappings."""
DIGITS = 40
"""Characters of a whole number: 128 bits, as in the state of a random number generator, and a sign."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
Error = TypeVar("Error", bound=CatscaleError)


@dataclass(frozen=True)
class Limits:
    """The limits of what a file may cost.

    Attributes:
        size: The most bytes.
        values: Numbers, texts, lists and mappings, counted by the commas and brackets of the text.
    """

    size: int = 64 * MEBIBYTE
    values: int = 5_000_000


LIMITS = Limits()
SMALL = Limits(MEBIBYTE, 100_000)
"""The limits of a file that holds a few values."""


def parse_json(text: str | bytes, limits: Limits = LIMITS) -> Any:
    """Parse JSON.

    Args:
        text: One value; bytes are UTF-8.
        limits: The limits of what it may cost.

    Raises:
        ValueError: If it is no JSON, or beyond the limits; holds NaN, an infinity, a number of more than `DIGITS`
            digits, a key twice in one mapping, or a half of a surrogate pair.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if len(text) > limits.size:
        raise ValueError(f"it is longer than the {limits.size:,} bytes that it may have")
    opened = text.count("[") + text.count("{")
    if opened + text.count(",") > limits.values:
        raise ValueError(f"it holds more than {limits.values:,} values")
    if opened > DEPTH and _depth(text) > DEPTH:
        raise ValueError(f"it is nested too deeply, in more than {DEPTH} levels")
    try:
        content = json.loads(
            text,
            parse_int=_parse_int,
            parse_float=_parse_float,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if _HALF.search(text):
        _check_texts(content)
    return content


def load_json(path: Path, schema: type[BaseModel] | None = None, limits: Limits = LIMITS, follow: bool = False) -> Any:
    """Read a JSON file.

    Args:
        path: A regular file.
        schema: The schema of its content; None where the caller checks it.
        limits: The limits of what it may cost.
        follow: Whether `path` may be a symbolic link, because a user named it.

    Returns:
        Its content, which may have keys that the schema does not know.

    Raises:
        OSError: If it cannot be read, is no regular file, or is too long.
        ValueError: If it is no JSON, or not what the schema says.
    """
    content = parse_json(read_regular(path, limits.size, follow), limits)
    if schema is not None:
        check(content, schema)
    return content


def read_json(
    path: Path,
    schema: type[BaseModel],
    error: type[CatscaleError],
    advice: str,
    limits: Limits = LIMITS,
    follow: bool = False,
) -> dict[str, Any]:
    """Read a JSON file of ours, or tell the user what is wrong with it.

    Args:
        path: A regular file.
        schema: The schema of its content.
        error: The class that is raised.
        advice: The end of the message, on what to do.
        limits: The limits of what it may cost.
        follow: Whether `path` may be a symbolic link, because a user named it.

    Raises:
        CatscaleError: If, in the class `error`, it cannot be read or is not what the schema says.
    """
    try:
        content: dict[str, Any] = load_json(path, schema, limits, follow)
        return content
    except (OSError, ValueError) as problem:
        raise error(f"{path} cannot be read ({reason_of(problem)}); {advice}") from problem


def _depth(text: str) -> int:
    """Count the levels of brackets outside of texts."""
    deepest = depth = 0
    for bracket in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _parse_int(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"a number has {len(text):,} digits, and {DIGITS} are the most")
    return int(text)


def _parse_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"the key {_find_repeated(pairs)[:60]!r} is repeated")
    return found


def _find_repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise ValueError("no key is repeated")


def _check_texts(content: Any) -> None:
    """Refuse halves of surrogate pairs, which no file, path or page can hold."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and value != value.encode(errors="ignore").decode():
            raise ValueError(f"the text {value[:60]!r} holds half of a surrogate pair")
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
