r"""Foreign text (names of languages, methods and files, sentences, messages) made safe where it leaves.

A character that a terminal, a page, a spreadsheet or a drawing library would act on, or that a reader would not see, is
written as its escape sequence, `\x1b` or `\u202e`, and so loses its effect and is seen. All functions leave what they
made unchanged when they are given it again.
"""

import re
import unicodedata
from collections.abc import Mapping
from html import escape
from typing import TypeVar, cast

Cell = TypeVar("Cell")
Plain = TypeVar("Plain")
JOINERS = frozenset("\u200c\u200d\u200e\u200f\u061c")
"""Zero-width characters that some scripts cannot do without."""
BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that are no format characters and yet show nothing."""
SEEN_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
"""Format characters that are drawn: signs of numbers and verses."""
JOINED_FROM = "\u0590"
"""First character of the scripts that need joiners: Hebrew, Arabic, those of India; and emoji."""
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
FORMULA = re.compile(r"(^|;)([\s'\"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""The characters with which a spreadsheet would begin a formula; `;` separates cells where the comma is that of
decimals."""


def for_terminal(text: object) -> str:
    r"""Return a text as one line that moves no cursor, changes no colour and hides nothing.

    Control characters, line and paragraph separators, tabs, bidirectional overrides, surrogates without their other
    half and characters that are not seen become escape sequences. Zero-width joiners and direction marks stay beside
    letters of the scripts that need them.

    Args:
        text: Anything; `str` is taken of it.

    Example:
        >>> for_terminal("en-a\x1b[31m\n\u202e"), for_terminal("می\u200cخواهم") == "می\u200cخواهم"
        ('en-a\\x1b[31m\\n\\u202e', True)
    """
    whole = str(text)
    if whole.isascii() and whole.isprintable():
        return whole
    return "".join(
        character if _is_seen(character) or _joins(whole, place) else _escape(character)
        for place, character in enumerate(whole)
    )


def for_message(text: object) -> str:
    r"""Return a text of several lines, each as `for_terminal`.

    Lines after the first are indented, so that no name with a line feed in it can pass for a line of its own.

    Example:
        >>> for_message("two runs:\n  a\nb\x07")
        'two runs:\n  a\n  b\\x07'
    """
    first, *others = str(text).split("\n")
    lines = [for_terminal(line) for line in others]
    return "\n".join([for_terminal(first), *(f"  {line}" if line[:1].strip() else line for line in lines)])


def for_csv(cell: Cell) -> Cell:
    """Return a cell that a spreadsheet takes for what it is: an apostrophe stands before what would be a formula.

    Args:
        cell: A value of any type. All but text stays as it is, and so does a text that is a number, as in "-0.5".

    Example:
        >>> for_csv("=1+1"), for_csv("-0.5"), for_csv(-0.5), for_csv("T=5"), for_csv("-en")
        ("'=1+1", '-0.5', -0.5, 'T=5', "'-en")
    """
    if not isinstance(cell, str) or NUMBER.fullmatch(cell):
        return cell
    return cast(Cell, FORMULA.sub(_with_apostrophe, for_terminal(cell)))


def _with_apostrophe(match: re.Match[str]) -> str:
    before, blank = match.groups()
    return f"{before}{blank}" if blank.startswith("'") else f"{before}'{blank}"


def for_page(text: object, lines: bool = False) -> str:
    r"""Return a text as HTML, of an element or of an attribute between quotation marks.

    Args:
        text: Anything; `str` is taken of it.
        lines: Whether line feeds stay, as in `<pre>`.

    Example:
        >>> for_page("<b>\x1b"), for_page("a\nb", lines=True)
        ('&lt;b&gt;\\x1b', 'a\nb')
    """
    parts = str(text).split("\n") if lines else [text]
    return escape("\n".join(map(for_terminal, parts)), quote=True)


def for_figure(text: object) -> str:
    r"""Return a text that can be drawn: the drawing library ends the process on a character that XML has not.

    Example:
        >>> for_figure("en-\x1b")
        'en-\\x1b'
    """
    return for_terminal(text)


def all_for_figure(content: Plain) -> Plain:
    """Return nested mappings and lists with every text in them, keys too, as `for_figure` makes it."""
    if isinstance(content, str):
        return cast(Plain, for_figure(content))
    if isinstance(content, Mapping):
        return cast(Plain, {all_for_figure(key): all_for_figure(item) for key, item in content.items()})
    if isinstance(content, list | tuple):
        return cast(Plain, [all_for_figure(item) for item in content])
    return content


def _is_seen(character: str) -> bool:
    """Return whether a character is drawn or is a space, and has no other effect."""
    kind = unicodedata.category(character)
    if kind in ("Cc", "Cs", "Zl", "Zp"):
        return False
    if kind == "Cf":
        return character in SEEN_FORMATS
    return character not in BLANK_LETTERS and not _is_noncharacter(ord(character))


def _is_noncharacter(code: int) -> bool:
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


def _joins(text: str, place: int) -> bool:
    """Return whether a joiner or a direction mark stands beside a letter, a mark or an emoji that may need it."""
    beside = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    return text[place] in JOINERS and any(
        other >= JOINED_FROM and unicodedata.category(other)[0] in "LMS" for other in beside
    )


def _escape(character: str) -> str:
    r"""Return the escape sequence of Python: `\n`, `\x1b`, `\u202e`, `\ud800`, `\U000e0041`."""
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
