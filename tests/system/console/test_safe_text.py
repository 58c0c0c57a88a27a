"""Foreign text made safe: against Unicode's own tables, an HTML parser, a CSV reader and the drawing library."""

import csv
import io
import unicodedata
from html.parser import HTMLParser

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

from catscale.system.console.safe_text import all_for_figure, for_csv, for_figure, for_message, for_page, for_terminal

HOSTILE = [
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\rb", "a\nb", "a\tb", "\x00", "\x7f", "\x85", "\x9b31m", "\u2028",
    "\u2029", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\u200bx", "e\u200dn", "\u2060",
    "\ufeff", "\xad", "\U000e0041", "\ud800", "\udcff", "\ufffe", "\uffff", "\ufdd0", "\u3164", "\u2800", "\u180e",
    "\ufff9",
]  # fmt: skip
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
TEXTS = st.text(st.characters(), max_size=12) | st.sampled_from(HOSTILE)
WRITTEN = [
    "می\u200cخواهم", "क्\u200dष", "\u200fעברית\u200e", "👨\u200d👩\u200d👧", "ไทย ำ", "Việt", "한국어", "T=5 + CATS α",
    "١٢٣\u0600", "e\u0301", "1 \u202f000", "\u4e00\u3000\u4e8c", "❤\ufe0f",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_acts_or_hides_becomes_seen(text: str) -> None:
    safe = for_terminal(text)
    assert safe.isprintable()
    assert "\\" in safe


@pytest.mark.parametrize("text", WRITTEN)
def test_what_people_write_stays(text: str) -> None:
    assert for_terminal(text) == for_page(text) == for_figure(text) == text


@given(TEXTS)
def test_no_character_acts(text: str) -> None:
    safe = for_terminal(text)
    kinds = {unicodedata.category(c) for c in safe if c not in "\u200c\u200d\u200e\u200f\u061c"}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert not any(
        unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI") for c in safe
    )
    assert safe.encode("utf-8").decode("utf-8") == safe
    assert for_terminal(safe) == safe


def test_a_line_of_a_name_is_no_line_of_its_own() -> None:
    forged = f"{'en-x'}\ncatscale: done"
    assert for_message(f"two failed:\n  {forged}") == "two failed:\n  en-x\n  catscale: done"
    assert for_message("a\r\nb") == "a\\r\n  b"


class Reader(HTMLParser):
    """Collects what a page says, and which elements it has."""

    def __init__(self) -> None:
        super().__init__()
        self.said, self.tags, self.attributes = "", list[str](), list[tuple[str, str | None]]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.said += data


@given(TEXTS | st.sampled_from(["<script>", "\"'><img src=x onerror=alert(1)>", "&lt;", "</pre>", "<!--"]))
def test_html_says_the_text_and_nothing_else(text: str) -> None:
    reader = Reader()
    reader.feed(f'<p title="{for_page(text)}">{for_page(text)}</p>')
    reader.close()
    assert reader.tags == ["p"]
    assert reader.attributes == [("title", for_terminal(text))]
    assert reader.said == for_terminal(text)


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\xa0=1", "＝1", "a;=1",
             "a;-b", "-", "=", "-inf", "+", "\u200b=1", '"=1']
)  # fmt: skip
def test_no_cell_begins_a_formula(cell: str) -> None:
    written = io.StringIO()
    csv.writer(written).writerow([for_csv(cell), "next"])
    (row,) = csv.reader(io.StringIO(written.getvalue()))
    parts = [part.strip(' \xa0"') for part in row[0].split(";")]
    assert row[1] == "next"
    assert not any(part.startswith(("=", "+", "-", "@", "\t", "\r", "＝")) for part in parts)
    assert for_csv(row[0]) == row[0]


@pytest.mark.parametrize(
    "cell", [-0.5, "-0.5", "-1e-05", "+3", "-.5", 0, None, True, "en-az", "T=5", "a - b", "1=2", "x; y"]
)
def test_numbers_and_names_stay(cell: object) -> None:
    assert for_csv(cell) == cell
    assert type(for_csv(cell)) is type(cell)


def test_a_figure_s_content_is_cleaned_through_and_through() -> None:
    content = {"a\x1b": ["b\x00", {"c": "d\ud800"}, 1.5, None], "e": ("f",)}
    assert all_for_figure(content) == {"a\\x1b": ["b\\x00", {"c": "d\\ud800"}, 1.5, None], "e": ["f"]}


def test_the_library_draws_what_is_left() -> None:
    """Some of these characters, as they are, end the process within the library."""
    rows = [
        {"name": for_figure(text), "y": place}
        for place, text in enumerate([*HOSTILE, *map(chr, range(0x100)), "<b>&\"'"])
    ]
    svg = vl_convert.vegalite_to_svg({
        "data": {"values": rows}, "mark": "text",
        "encoding": {"text": {"field": "name"}, "y": {"field": "y", "type": "quantitative"}},
    })  # fmt: skip
    assert len(vl_convert.svg_to_png(svg)) > 1000
    assert "\\x1b" in svg
    assert "\\ufffe" in svg
