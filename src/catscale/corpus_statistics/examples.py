"""Lines that show what a figure counts: the first ones of each kind, with their file and number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from catscale.data.pairs import Located

MOST = 3  # of a kind, a split and a direction
LONGEST = 200  # characters of a text
KINDS = {
    "empty": "a side is only white space or unseen",
    "untranslated": "the target is the source",
    "wrong_script": "most letters are of another script",
    "control": "a control character",
    "too_long": "longer than data.cleaning allows",
    "unbalanced": "the ratio of the lengths is larger than data.cleaning allows",
    "in_train": "a sentence of dev or test that stands in train",
}


@dataclass(frozen=True)
class Example:
    """A pair that was counted as faulty.

    Attributes:
        kind: One of `KINDS`.
        file: The file with it: the target's file, where each language has its own.
        line: The number of its line, from 1, or of its row where a file has no lines.
        source: The text, of which at most 200 characters.
        target: The translation, cut in the same way.
    """

    kind: str
    file: str
    line: int
    source: str
    target: str


class Places:
    """The first places of each kind in a stream of pairs, counted from 0."""

    def __init__(self) -> None:
        self.found: dict[str, list[int]] = {kind: [] for kind in KINDS}

    def add(self, kind: str, places: Iterable[int]) -> None:
        """Take note of some places, ascending."""
        missing = MOST - len(self.found[kind])
        self.found[kind] += [place for place in islice(places, missing) if place not in self.found[kind]]


def look_up(located: Iterable[Located], places: Mapping[str, Sequence[int]]) -> tuple[Example, ...]:
    """Read a stream of pairs again, up to the last place that is asked for.

    Args:
        located: The pairs with their places in files.
        places: Kind → places in the stream, from 0.
    """
    wanted = {place for of_kind in places.values() for place in of_kind}
    found = {n: item for n, item in enumerate(islice(located, max(wanted, default=-1) + 1)) if n in wanted}
    return tuple(
        Example(kind, str(found[n][0]), found[n][1], *(text[:LONGEST] for text in found[n][2]))
        for kind in KINDS
        for n in places.get(kind, ())
        if n in found
    )
