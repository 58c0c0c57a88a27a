"""The text of a segment without its inline markup (TMX 1.4, XLIFF 1.2 and 2.0).

Tags around translatable text (`hi`, `g`, `mrk`, `pc`) are taken off; tags that stand for codes of the original format
(`bpt`, `ept`, `it`, `ph`, `ut`, and those without content) go with what they hold, which is not language, or, within
`sub`, the text of another place such as a footnote. So does text that a tracked change takes out.
"""

from catscale.data.formats.xml_stream import End, Event, SegmentText, Start

DELETED = "x-sdl-deleted"  # the `mtype` of text that a change that SDL Trados tracks takes out
CODES = frozenset({"bpt", "ept", "it", "ph", "ut", "x", "bx", "ex", "sc", "ec", "sm", "em", "cp"})


class Segment:
    """Collects the text of one element, from the event after its start to its end."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._depth = 0
        self._code_depth: int | None = None

    def take(self, event: Event) -> str | None:
        """Take the next event; the text when it was the element's end, none before."""
        if isinstance(event, SegmentText):
            if self._code_depth is None:
                self._pieces.append(event.text)
        elif isinstance(event, Start):
            self._depth += 1
            if self._code_depth is None and (event.name in CODES or event.attributes.get("mtype") == DELETED):
                self._code_depth = self._depth
        elif isinstance(event, End):
            if self._depth == 0:
                return "".join(self._pieces)
            if self._depth == self._code_depth:
                self._code_depth = None
            self._depth -= 1
        return None


class Segmented:
    """Collects the text of a side of a unit, and that of each of its segments, `<mrk mtype="seg" mid="…">`.

    Attributes:
        text: The whole, once it is read.
        segments: (`mid`, text) of each segment, in their order; `mid` is None where it is missing.
    """

    def __init__(self) -> None:
        self.text = ""
        self.segments: list[tuple[str | None, str]] = []
        self._whole = Segment()
        self._segment: Segment | None = None
        self._mid: str | None = None

    def take(self, event: Event) -> str | None:
        """Take the next event; the whole text when it was the side's end, none before."""
        if self._segment is not None:
            if (inner := self._segment.take(event)) is not None:
                self.segments.append((self._mid, inner))
                self._segment = None
        elif isinstance(event, Start) and event.name == "mrk" and event.attributes.get("mtype") == "seg":
            self._segment, self._mid = Segment(), event.attributes.get("mid")
        if (text := self._whole.take(event)) is not None:
            self.text = text
        return text
