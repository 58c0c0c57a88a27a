"""Text of a segment without its inline markup."""

import pytest

from catscale.data.formats.xml_segments import DELETED, Segment, Segmented
from catscale.data.formats.xml_stream import End, Event, Start, Text


def start(name: str, **attributes: str) -> Start:
    return Start(name, attributes, 1)


def read(collector: Segment | Segmented, *events: Event) -> list[str | None]:
    return [collector.take(event) for event in events]


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ([Text("a "), start("g"), Text("b"), End("g"), Text(" c")], "a b c"),
        ([Text("a"), start("ph"), Text("<br/>"), End("ph"), Text("b")], "ab"),
        ([start("bpt"), start("sub"), Text("note"), End("sub"), End("bpt"), Text("a")], "a"),
        ([Text("a"), start("mrk", mtype=DELETED), Text("gone"), End("mrk"), Text("b")], "ab"),
        ([Text("a"), start("x"), End("x"), Text("b")], "ab"),
    ],
)
def test_tags_around_language_go_and_codes_go_with_their_text(inner: list[Event], text: str) -> None:
    found = read(Segment(), *inner, End("seg"))
    assert found == [None] * len(inner) + [text]


def test_segments_of_a_side_are_kept_beside_the_whole() -> None:
    side = Segmented()
    first: list[Event] = [start("mrk", mtype="seg", mid="1"), Text("One."), End("mrk")]
    second: list[Event] = [start("mrk", mtype="seg"), Text("T"), start("g"), Text("wo."), End("g"), End("mrk")]
    found = read(side, *first, Text(" "), *second, End("target"))
    assert found[-1] == side.text == "One. Two."
    assert side.segments == [("1", "One."), (None, "Two.")]
