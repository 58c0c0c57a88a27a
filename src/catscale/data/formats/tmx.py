"""Translation memories in TMX 1.1 to 1.4: units of one text in two or more languages."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from catscale.data.formats.contract import FileFormat
from catscale.data.formats.xml_segments import Segment
from catscale.data.formats.xml_stream import End, Event, SegmentText, Start, language_of, read_events
from catscale.data.languages.tags import choose_text, languages_among
from catscale.data.pairs import Placed
from catscale.errors import DataError

Unit = tuple[int, dict[str, str]]  # line, and texts by language tag


@dataclass
class _TmxParser:
    """The state while a file is read: the unit so far, and the variant in which the reading is."""

    path: Path
    longest: int | None = None
    length: int = 0  # characters of the unit so far, those of its languages' names among them
    texts: dict[str, str] = field(default_factory=dict)
    unit_line: int = 0
    tag: str = ""
    variant: Start | None = None
    depth: int = 0  # of elements inside the variant
    segments: list[str] = field(default_factory=list)
    stray: str = ""  # text of the variant outside its segments
    segment: Segment | None = None

    def take(self, event: Event) -> Unit | None:
        """Take the next event; the unit when it was its end."""
        if self.longest is not None:
            self._measure(event, self.longest)
        if self.segment is not None:
            if (text := self.segment.take(event)) is not None:
                self.segments.append(text)
                self.segment = None
        elif self.variant is not None:
            self._take_inside(event)
        elif isinstance(event, Start) and event.name == "tu":
            self.texts, self.unit_line = {}, event.line
        elif isinstance(event, Start) and event.name == "tuv":
            self.variant, self.tag, self.depth = event, self._require_language(event), 0
            self.segments, self.stray = [], ""
        elif isinstance(event, End) and event.name == "tu":
            return self.unit_line, self.texts
        return None

    def _measure(self, event: Event, longest: int) -> None:
        if isinstance(event, Start):
            self.length = 0 if event.name == "tu" else self.length + 1 + len(language_of(event.attributes) or "")
        elif isinstance(event, SegmentText):
            self.length += len(event.text)
        if self.length > longest:
            raise DataError(
                f"{self.path}, line {self.unit_line} has a unit of more than {longest:,} characters; it is no corpus, "
                "so check what the file is"
            )

    def _take_inside(self, event: Event) -> None:
        if isinstance(event, SegmentText):
            self.stray += event.text if self.depth == 0 and not self.stray.strip() else ""
        elif isinstance(event, Start) and event.name == "seg":
            self.segment = Segment()
        elif isinstance(event, Start):
            self.depth += 1
        elif self.depth:
            self.depth -= 1
        else:
            self._close_variant()

    def _close_variant(self) -> None:
        if self.segments:
            self.texts.setdefault(self.tag, " ".join(self.segments))
        elif self.stray.strip() and self.variant is not None:
            raise DataError(
                f"{self.path}, line {self.variant.line}: the text of <tuv> stands outside <seg>, found "
                f"{self.stray.strip()[:60]!r}; TMX has it between <seg> and </seg>, so put it there"
            )
        self.variant = None

    def _require_language(self, tuv: Start) -> str:
        if not (tag := language_of(tuv.attributes)):
            raise DataError(
                f'{self.path}, line {tuv.line}: <tuv> names no language; add one, as in <tuv xml:lang="en">'
            )
        return tag


def read_units(events: Iterable[Event], path: Path, longest: int | None = None) -> Iterator[Unit]:
    """Yield the line of each `tu`, and its texts by their language tags; of several in one language, the first.

    A `tuv` of several `seg`, of which the standard has one, has their texts joined: whole translates whole.

    Args:
        events: The tags and the text of the file.
        path: The file, for messages.
        longest: The most characters of a unit; None for any number.

    Raises:
        DataError: If the file is no sound XML, a `tuv` names no language or has its text outside `seg`, or there is no
            unit at all (with the line); or if a unit has more characters.
    """
    parser, is_empty = _TmxParser(path, longest), True
    for event in events:
        if (unit := parser.take(event)) is not None:
            is_empty = False
            yield unit
    if is_empty:
        raise DataError(f"{path} holds no <tu>, which a translation memory (TMX) consists of; is this the right file?")


def place_tmx(path: Path, source: str, target: str) -> Iterator[Placed]:
    """Yield the pairs of the units that have both languages, or variants of them, with the line of the unit."""
    for line, texts in read_units(read_events(path), path):
        left, right = choose_text(texts, source), choose_text(texts, target)
        if left is not None and right is not None:
            yield line, (left, right)


def tmx_languages(path: Path) -> list[set[str]]:
    """Return the sets of languages that are together in a unit, without regions but where a unit has two of one
    language."""
    return languages_among({frozenset(texts) for _, texts in read_units(read_events(path), path)})


TMX = FileFormat(
    "translation memories, TMX 1.1 to 1.4",
    ("{pair}/{split}.tmx", "{split}.{pair}.tmx", "{split}.tmx"),
    place=place_tmx,
    groups=tmx_languages,
    streams=True,
    has_tags=True,
    endings=(".tmx",),
    reading=2,
)
