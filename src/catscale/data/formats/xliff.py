"""Bilingual files in XLIFF 1.2 and 2.0: source and target of each segment.

A unit of 1.2 may be cut into segments, `<mrk mtype="seg" mid="…">` in `<seg-source>` and `<target>`, as by SDL Trados.
Then its pairs are those of equal `mid`, and what stands between the segments belongs to none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from catscale.data.formats.contract import FileFormat
from catscale.data.formats.xml_segments import Segmented
from catscale.data.formats.xml_stream import End, Event, Start, language_of, read_events
from catscale.data.languages.tags import choose_text, languages_among
from catscale.data.pairs import Pair, Placed
from catscale.errors import DataError

UNITS = ("trans-unit", "segment")  # of 1.2 and of 2.0
# where the languages stand: on <file> in 1.2, on <xliff> in 2.0
ATTRIBUTES = {"source": ("source-language", "srcLang"), "target": ("target-language", "trgLang")}
SEGMENTED = "seg-source"
PARTS = {"source": "source", "target": "target", SEGMENTED: "source"}  # element → whose language it is in
UNTRANSLATED = ("new", "needs-translation", "initial")  # states in which a target is at most a copy to begin with


class XliffUnit(NamedTuple):
    """A unit: its languages as the file has them, its pairs, and its line; a target is empty where there is none."""

    source_tag: str
    target_tag: str
    pairs: list[Pair]
    line: int


@dataclass
class _XliffParser:
    """The state while a file is read: the declared languages, the open tags, the unit so far."""

    path: Path
    declared: dict[str, str] = field(default_factory=dict)
    parents: list[tuple[str, bool]] = field(default_factory=list)  # name, whether it is to be translated
    sides: dict[str, tuple[str, Segmented]] = field(default_factory=dict)
    open_side: Segmented | None = None
    is_untranslated: bool = False
    line: int = 0

    def take(self, event: Event) -> XliffUnit | None:
        """Take the next event; the unit when it was its end."""
        if self.open_side is not None:
            if self.open_side.take(event) is not None:
                self.open_side = None
        elif isinstance(event, Start):
            self._open(event)
        elif isinstance(event, End):
            _, is_translatable = self.parents.pop()
            if event.name in UNITS and is_translatable:
                return self._unit()
        return None

    def _open(self, start: Start) -> None:
        # <alt-trans>, <mtc:match> and <ignorable> have sources and targets too, which are not this unit's
        if start.name in PARTS and self.parents and self.parents[-1][0] in UNITS:
            side = self._language(start, PARTS[start.name]), Segmented()
            self.open_side = side[1]
            if start.name not in self.sides:
                self.sides[start.name] = side
                self.is_untranslated |= start.name == "target" and start.attributes.get("state") in UNTRANSLATED
            return
        inherited = self.parents[-1][1] if self.parents else True
        self.parents.append((start.name, start.attributes.get("translate", "yes" if inherited else "no") != "no"))
        if start.name in UNITS:
            self.sides, self.line = {}, start.line
            self.is_untranslated = start.attributes.get("state") in UNTRANSLATED
        for side_name, names in ATTRIBUTES.items():
            for name in names:
                if start.name in ("file", "xliff") and name in start.attributes:
                    self.declared[side_name] = start.attributes[name]

    def _language(self, start: Start, side: str) -> str:
        tag = language_of(start.attributes) or self.declared.get(side)
        if not tag:
            raise DataError(
                f"{self.path}, line {start.line}: no language is known of <{start.name}>; add "
                f'{ATTRIBUTES[side][0]}="…" to <file> (XLIFF 1.2) or {ATTRIBUTES[side][1]}="…" to <xliff> (2.0)'
            )
        return tag

    def _unit(self) -> XliffUnit:
        source_tag, source = self.sides.get("source", ("", Segmented()))
        target_tag, target = self.sides.get("target", (self.declared.get("target", ""), Segmented()))
        _, segmented = self.sides.get(SEGMENTED, ("", source))
        if self.is_untranslated:
            target = Segmented()
        return XliffUnit(source_tag, target_tag, pair_segments(source, segmented, target), self.line)


def pair_segments(source: Segmented, segmented: Segmented, target: Segmented) -> list[Pair]:
    """Return the pairs of a unit; what has no translation has an empty target, what translates nothing an empty source.

    Args:
        source: The whole source.
        segmented: The source cut into segments, or the whole one again.
        target: The target, cut or whole.
    """
    sources, targets = segmented.segments, target.segments
    if sources and not target.text.strip():
        return [(text, "") for text in _by_mid(sources).values()]
    if not targets:
        return [(source.text, target.text)]
    if sources and len(sources) == len(targets) and all(mid is None for mid, _ in (*sources, *targets)):
        return [(left, right) for (_, left), (_, right) in zip(sources, targets, strict=True)]
    if not sources or any(mid is None for mid, _ in (*sources, *targets)):  # nothing says which belong together
        is_whole = all(text.strip() for _, text in targets)
        return [(source.text, target.text if is_whole else "")]
    left, right = _by_mid(sources), _by_mid(targets)
    unknown = [("", text) for mid, text in right.items() if mid not in left]
    return [(text, right.get(mid, "")) for mid, text in left.items()] + unknown


def _by_mid(segments: list[tuple[str | None, str]]) -> dict[str | None, str]:
    """Return texts by `mid`, with those that tags divide joined."""
    found: dict[str | None, str] = {}
    for number, (mid, text) in enumerate(segments):
        key = mid if mid is not None else f"\0{number}"
        found[key] = found.get(key, "") + text
    return found


def read_segments(path: Path) -> Iterator[XliffUnit]:
    """Yield the units of a file that are to be translated.

    Raises:
        DataError: If the file is no sound XML, names no languages or has no unit at all (with the line).
    """
    parser, is_empty = _XliffParser(path), True
    for event in read_events(path):
        if isinstance(event, End) and event.name in UNITS:
            is_empty = False
        if unit := parser.take(event):
            yield unit
    if is_empty:
        raise DataError(f"{path} holds neither <trans-unit> (XLIFF 1.2) nor <segment> (2.0); is this the right file?")


def place_xliff(path: Path, source: str, target: str) -> Iterator[Placed]:
    """Yield the pairs of the segments, either way round, with the line of their unit.

    A segment that is not translated has an empty side, by which it is counted and left out.
    """
    for unit in read_segments(path):
        if unit.source_tag == unit.target_tag:
            continue
        for pair in unit.pairs:
            texts = dict(zip((unit.source_tag, unit.target_tag), pair, strict=True))
            left, right = choose_text(texts, source), choose_text(texts, target)
            if left is not None and right is not None:
                yield unit.line, (left, right)


def xliff_languages(path: Path) -> list[set[str]]:
    """Return the pairs of languages of a file, without regions."""
    units = read_segments(path)
    groups = {frozenset((unit.source_tag, unit.target_tag)) for unit in units if unit.source_tag and unit.target_tag}
    return languages_among(groups)


ENDINGS = (".xlf", ".xliff", ".sdlxliff", ".mqxliff")
XLIFF = FileFormat(
    "bilingual files of translators, XLIFF 1.2 and 2.0",
    tuple(
        folder + "|".join(name + ending for ending in ENDINGS)
        for folder, name in (("{pair}/", "{split}"), ("", "{split}.{pair}"), ("{pair}/{split}/", "*"), ("", "{split}"))
    ),
    place=place_xliff,
    groups=xliff_languages,
    streams=True,
    has_tags=True,
    endings=ENDINGS,
    reading=2,
)
