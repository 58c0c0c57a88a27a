"""A translation direction, the task of multilingual training, and what a language may be called."""

import re
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from catscale.errors import DataError

LONGEST = 32
"""Characters of a language's code: directions are parts of the names of files."""
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_WRITTEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class LanguageNameError(DataError, ValueError):
    """A language has a name that could lead out of a folder, or cannot be told from others."""


def check_language(code: str) -> str:
    """Return a language's code as it may be written: letters from A to Z, digits, `_` and `-`.

    Letters are ASCII alone, as in every code of ISO 639, ISO 15924 and the CLDR: two codes that look alike are alike.

    Raises:
        LanguageNameError: If it is empty, has other characters, begins with another than a letter or a digit, or is
            longer than `LONGEST`.
    """
    if len(code) > LONGEST or not _WRITTEN.fullmatch(code):
        raise LanguageNameError(_say(code, "letters from A to Z, digits, _ and -"))
    return code


def is_code(code: str) -> bool:
    """Return whether a text can be one of the two languages of a direction."""
    return len(code) <= LONGEST and _CODE.fullmatch(code) is not None


def _say(code: str, allowed: str) -> str:
    return (
        f"a language's code has {allowed}, begins with a letter or a digit, and is at most {LONGEST} characters long; "
        f"found {code[:60]!r}; rename it"
    )


LanguageCode = Annotated[str, AfterValidator(check_language)]
"""A language as a configuration writes it."""


@dataclass(frozen=True, order=True)
class Direction:
    """The direction from one language to another, written `en-az`.

    Attributes:
        source: Code of the source language: letters from A to Z, digits and `_`, since `-` joins the two.
        target: Code of the target language.

    Raises:
        LanguageNameError: If a code has other characters.
    """

    source: str
    target: str

    def __post_init__(self) -> None:
        for code in (self.source, self.target):
            if not is_code(code):
                raise LanguageNameError(_say(code, "letters from A to Z, digits and _"))

    @classmethod
    def parse(cls, text: str) -> "Direction":
        """Read `en-az`.

        Raises:
            LanguageNameError: If the text is not two different codes joined by one hyphen.
        """
        source, _, target = text.partition("-")
        if not source or not target or "-" in target or source == target:
            raise LanguageNameError(
                f"a direction is two language codes joined by a hyphen, as in en-az; found {text[:80]!r}"
            )
        return cls(source, target)

    def __str__(self) -> str:
        return f"{self.source}-{self.target}"

    @property
    def random_key(self) -> int:
        """A number that follows from the name (CRC-32): part of a seed, it gives the direction its own random draws."""
        return zlib.crc32(str(self).encode())


def check_direction(text: str) -> str:
    """Return a direction as it is, if it parses.

    Raises:
        LanguageNameError: If it does not.
    """
    Direction.parse(text)
    return text


DirectionName = Annotated[str, AfterValidator(check_direction)]
"""A direction as a file or a configuration writes it."""
SplitOfDirection = tuple[str, Direction]
"""The name of a split, and the direction whose it is."""


def list_old(directions: Iterable[Direction], added: Collection[str]) -> list[Direction]:
    """List the directions that a model which lacks some languages knows: both sides are old, and there are new ones.

    Args:
        directions: All of them.
        added: The languages that the model lacked; without any, nothing is old or new.

    Example:
        >>> [str(one) for one in list_old([Direction("en", "fr"), Direction("en", "gl")], ["gl"])]
        ['en-fr']
    """
    return [one for one in directions if added and not {one.source, one.target} & set(added)]


def find_halves(direction: Direction, known: Collection[Direction]) -> tuple[Direction, Direction] | None:
    """Find the known directions that one which is not known can be translated with: from its source, and to its target.

    Args:
        direction: The direction that nothing was trained on.
        known: The directions that a model was trained on.

    Returns:
        Two that meet in a third language, of several the first by name; None where none meet.

    Example:
        >>> one, two = find_halves(Direction("az", "be"), [Direction("az", "en"), Direction("en", "be")])
        >>> str(one), str(two), find_halves(Direction("be", "az"), [Direction("az", "en"), Direction("en", "be")])
        ('az-en', 'en-be', None)
    """
    starts = {one.target for one in known if one.source == direction.source}
    ends = {one.source for one in known if one.target == direction.target}
    pivot = min(starts & ends, default=None)
    return None if pivot is None else (Direction(direction.source, pivot), Direction(pivot, direction.target))


def list_languages(directions: Iterable[Direction]) -> list[str]:
    """List the languages of some directions, each once, in the order in which they come.

    Example:
        >>> list_languages([Direction("en", "az"), Direction("be", "en")])
        ['en', 'az', 'be']
    """
    return list(dict.fromkeys(code for one in directions for code in (one.source, one.target)))
