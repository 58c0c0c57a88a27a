"""Tables by name, which name the nearest of their names where there is none such."""

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from catscale.errors import UnknownNameError

V = TypeVar("V")


class NamedTable(dict[str, V]):
    """A dictionary that names the nearest of its names where there is none such.

    Args:
        what: The kind of the entries, as in "balancing method".
        entries: The entries by name.
    """

    def __init__(self, what: str, entries: dict[str, V]) -> None:
        super().__init__(entries)
        self.what = what

    def __missing__(self, name: object) -> V:
        raise UnknownNameError(f"there is no {self.what} {name!r}; {suggest(name, self)}")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> V:
            """Say how an entry is reached.

            Raises:
                AttributeError: Always: this is asked for what is not there.
            """
            if name.startswith("_"):  # what copying and pickling ask for
                raise AttributeError(name)
            hint = f"write [{name!r}]" if name in self else suggest(name, self)
            raise AttributeError(f"a {self.what} is reached by its name in brackets, found .{name}; {hint}")


def suggest(name: object, known: Iterable[str]) -> str:
    """Name the known names, the nearest first where one is near.

    Args:
        name: The name that was written.
        known: The names that there are.

    Example:
        >>> suggest("CATS", ["fixed", "cats"])
        "did you mean 'cats'? known are fixed, cats"
    """
    names = list(known)
    return f"{suggest_nearest(name, names)}known are {', '.join(names)}"


def suggest_nearest(name: object, known: Iterable[str]) -> str:
    """Name the nearest of the known names, for more text to follow; nothing where none is near.

    >>> suggest_nearest("CATS", ["fixed", "cats"]), suggest_nearest("x", ["fixed"])
    ("did you mean 'cats'? ", '')
    """
    near = difflib.get_close_matches(str(name).lower().replace("-", "_").replace(" ", "_"), list(known), n=1)
    return f"did you mean {near[0]!r}? " if near else ""
