"""Bilingual files in XLIFF 1.2 and 2.0: source and target of each segment."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from catscale.data.inline import Segment
from catscale.data.language_tags import choose_text, primary
from catscale.data.readers import Pair
from catscale.data.xml_stream import End, Event, Start, language_of, read_events
from catscale.errors import DataError

UNITS = ("trans-unit", "segment")  # of 1.2 and of 2.0
# where the languages stand: on <file> in 1.2, on <xliff> in 2.0
ATTRIBUTES = {"source": ("source-language", "srcLang"), "target": ("target-language", "trgLang")}


class Unit(NamedTuple):
    """A segment: side → (language tag, text); a side that is missing is left out."""

    sides: dict[str, tuple[str, str]]


@dataclass
class _Parser:
    """What is known while a file is read: the declared languages, the open tags, the unit so far."""

    path: Path
    declared: dict[str, str] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    sides: dict[str, tuple[str, str]] = field(default_factory=dict)
    segment: Segment | None = None
    side: tuple[str, str] = ("", "")

    def take(self, event: Event) -> Unit | None:
        """Take the next event; the unit when it was its end."""
        if self.segment is not None:
            if (text := self.segment.take(event)) is not None:
                name, tag = self.side
                self.sides.setdefault(name, (tag, text))
                self.segment = None
        elif isinstance(event, Start):
            self._open(event)
        elif isinstance(event, End):
            self.parents.pop()
            if event.name in UNITS:
                return Unit(self.sides)
        return None

    def _open(self, start: Start) -> None:
        # <alt-trans>, <mtc:match> and <ignorable> have sources and targets too, which are not this unit's
        if start.name in ATTRIBUTES and self.parents and self.parents[-1] in UNITS:
            self.side = start.name, self._language(start)
            self.segment = Segment()
            return
        self.parents.append(start.name)
        if start.name in UNITS:
            self.sides = {}
        for side, names in ATTRIBUTES.items():
            for name in names:
                if start.name in ("file", "xliff") and name in start.attributes:
                    self.declared[side] = start.attributes[name]

    def _language(self, start: Start) -> str:
        tag = language_of(start.attributes) or self.declared.get(start.name)
        if not tag:
            raise DataError(
                f"{self.path}, line {start.line}: no language is known of <{start.name}>; add "
                f'{ATTRIBUTES[start.name][0]}="…" to <file> (XLIFF 1.2) or {ATTRIBUTES[start.name][1]}="…" to '
                "<xliff> (2.0)"
            )
        return tag


def read_segments(path: Path) -> Iterator[Unit]:
    """Yield the units of a file.

    Raises:
        DataError: If the file is no sound XML, names no languages or has no unit at all (with the line).
    """
    parser, is_empty = _Parser(path), True
    for event in read_events(path):
        if unit := parser.take(event):
            is_empty = False
            yield unit
    if is_empty:
        raise DataError(f"{path} holds neither <trans-unit> (XLIFF 1.2) nor <segment> (2.0); is this the right file?")


def read_xliff(path: Path, source: str, target: str) -> Iterator[Pair]:
    """Yield the pairs of the segments that have a target, either way round."""
    for unit in read_segments(path):
        texts = dict(unit.sides.values())
        left, right = choose_text(texts, source), choose_text(texts, target)
        if len(texts) == 2 and left is not None and right is not None:
            yield left, right


def xliff_languages(path: Path) -> list[set[str]]:
    """The pairs of languages of a file, without regions."""
    groups = {frozenset(primary(tag) for tag, _ in unit.sides.values()) for unit in read_segments(path)}
    return [set(group) for group in groups]
