"""Words, letters and control characters of many lines at a time: every code point has a kind, looked up in a table.

Shapes: B lines, C characters of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import regex
from numpy.typing import NDArray

Kinds = NDArray[np.uint8]
Integers = NDArray[np.int64]
CODE_POINTS = 0x110000
SPACE, LETTER, FOREIGN, CONTROL = 1, 2, 4, 8  # bits of a kind


@dataclass(frozen=True)
class LineCounts:
    """Counts of some lines.

    Attributes:
        characters: (B,) int64 code points of each.
        words: (B,) int64 words of each, as `str.split` cuts them.
        letters: Characters of the general category L.
        foreign_letters: Letters outside the expected scripts; 0 where none are expected.
        foreign_lines: Places of the lines with more letters outside the expected scripts than within.
        control_lines: Places of the lines with a control character (general category Cc) other than a tab.
    """

    characters: Integers
    words: Integers
    letters: int
    foreign_letters: int
    foreign_lines: Integers
    control_lines: Integers


def count_characters(lines: Sequence[str], scripts: tuple[str, ...]) -> LineCounts:
    """Count words and kinds of characters.

    Args:
        lines: B of them, at least one; "\\n" ends a line and is not counted.
        scripts: The expected scripts, as `expected_scripts` returns them.
    """
    characters = np.fromiter(map(len, lines), np.int64, len(lines))
    ends = np.cumsum(characters + 1)
    starts = ends - characters - 1
    codes = np.frombuffer("\n".join((*lines, "")).encode("utf-32-le"), "<u4")
    kinds = kinds_of_characters(scripts)[codes]  # (C + B,) with a line feed after each line
    kinds[ends - 1] = SPACE
    space = (kinds & SPACE).view(np.bool_)
    begins = ~space
    begins[1:] &= space[:-1]
    foreign = np.flatnonzero(kinds & FOREIGN)
    letters = (kinds & LETTER) != 0
    control = np.flatnonzero(kinds & CONTROL)
    return LineCounts(
        characters,
        _by_line(np.flatnonzero(begins), ends),
        int(np.count_nonzero(letters)),
        foreign.size,
        _find_mostly(foreign, letters, starts, ends),
        np.flatnonzero(_by_line(control, ends)).astype(np.int64),
    )


def _by_line(places: NDArray[np.intp], ends: Integers) -> Integers:
    """Return (B,) the number of the ascending places that lie in each line."""
    return np.diff(np.searchsorted(places, ends), prepend=0).astype(np.int64)


def _find_mostly(foreign: NDArray[np.intp], letters: NDArray[np.bool_], starts: Integers, ends: Integers) -> Integers:
    """Return the places of the lines of which more than half of the letters are foreign."""
    by_line = _by_line(foreign, ends)
    mixed = np.flatnonzero(by_line)
    inside = [int(np.count_nonzero(letters[starts[i] : ends[i]])) for i in mixed]
    return mixed[2 * by_line[mixed] > np.array(inside, np.int64)].astype(np.int64)


@cache
def kinds_of_characters(scripts: tuple[str, ...]) -> Kinds:
    """Return the (0x110000,) kind of each code point.

    A letter is foreign if none of the scripts is among those it is used with (Unicode's Script_Extensions); letters
    of the script Common belong everywhere.

    Args:
        scripts: The expected scripts; where there are none, no letter is foreign.
    """
    kinds = _plain_kinds().copy()
    if scripts:
        ours = "".join(rf"\p{{Script_Extensions={script}}}" for script in scripts)
        _mark(kinds, rf"[\p{{L}}--[{ours}\p{{Script=Common}}]]", FOREIGN)
    return kinds


@cache
def _plain_kinds() -> Kinds:
    kinds = np.zeros(CODE_POINTS, np.uint8)
    kinds[[code for code in range(0x10000) if chr(code).isspace()]] |= SPACE  # none lies above
    _mark(kinds, r"\p{L}", LETTER)
    _mark(kinds, r"[\p{Cc}--\t]", CONTROL)
    return kinds


def _mark(kinds: Kinds, pattern: str, kind: int) -> None:
    for match in regex.finditer(f"{pattern}+", _all_characters(), flags=regex.VERSION1):
        kinds[match.start() : match.end()] |= kind


@cache
def _all_characters() -> str:
    """Return every code point at its own place, surrogates too."""
    return np.arange(CODE_POINTS, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
