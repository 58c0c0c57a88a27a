"""Text of a segment without its inline markup."""

import pytest

from catscale.data.formats.xml_segments import DELETED, Segment, Segmented
from catscale.data.formats.xml_stream import End, Event, SegmentText, Start


def start(name: str, **attributes: str) -> Start:
    return Start(name, attributes, 1)


def read(collector: Segment | Segmented, *events: Event) -> list[str | None]:
    return [collector.take(event) for event in events]


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ([SegmentText("a "), start("g"), SegmentText("b"), End("g"), SegmentText(" c")], "a b c"),
        ([SegmentText("a"), start("ph"), SegmentText("<br/>"), End("ph"), SegmentText("b")], "ab"),
        ([start("bpt"), start("sub"), SegmentText("note"), End("sub"), End("bpt"), SegmentText("a")], "a"),
        ([SegmentText("a"), start("mrk", mtype=DELETED), SegmentText("gone"), End("mrk"), SegmentText("b")], "ab"),
        ([SegmentText("a"), start("x"), End("x"), SegmentText("b")], "ab"),
    ],
)
def test_tags_around_language_go_and_codes_go_with_their_text(inner: list[Event], text: str) -> None:
    found = read(Segment(), *inner, End("seg"))
    assert found == [None] * len(inner) + [text]


def test_segments_of_a_side_are_kept_beside_the_whole() -> None:
    side = Segmented()
    first: list[Event] = [start("mrk", mtype="seg", mid="1"), SegmentText("One."), End("mrk")]
    second: list[Event] = [
        start("mrk", mtype="seg"),
        SegmentText("T"),
        start("g"),
        SegmentText("wo."),
        End("g"),
        End("mrk"),
    ]
    found = read(side, *first, SegmentText(" "), *second, End("target"))
    assert found[-1] == side.text == "One. Two."
    assert side.segments == [("1", "One."), (None, "Two.")]
