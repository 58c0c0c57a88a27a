from html.parser import HTMLParser

import pytest

from catscale.report.comparison import METRICS, best_of, compare_scores
from catscale.report.page import write_page
from catscale.report.table import format_pairs, format_value

from .runs import RUNS

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Tables as lists of rows of (text, is best), and whether every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables: list[list[list[tuple[str, bool]]]] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append(("", ("class", "best") in attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            text, best = self.tables[-1][-1][-1]
            self.tables[-1][-1][-1] = (text + data, best)


@pytest.fixture
def html(tmp_path):
    write_page(tmp_path / "report.html", "A <title> & more", "x < y", "what & why", RUNS, "seed: 1\n<b>$title</b>")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_every_number_stands_in_its_place_and_the_best_is_marked(html):
    page = Page(html)
    assert len(page.tables) == len(METRICS)
    for metric, (head, *found) in zip(METRICS, page.tables, strict=True):
        assert [text for text, _ in head] == ["direction", "train pairs", *RUNS]
        rows = [row for part in compare_scores(RUNS, metric) for row in part]
        for cells, row in zip(found, rows, strict=True):
            values = [format_value(value, metric) for value in row.values]
            assert [text for text, _ in cells] == [row.name, format_pairs(row.pairs), *values]
            best = best_of(row.values, metric)
            assert [index - 2 for index, (_, marked) in enumerate(cells) if marked] == [best]


def test_it_is_one_valid_page_that_needs_nothing_else(html):
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert "http:" not in html
    assert "https:" not in html
    assert not {"src", "href"} & {name for name, _ in page.attributes}
    assert "<script" not in html


def test_text_is_escaped_and_never_a_template(html):
    texts = Page(html).texts
    assert "A <title> & more" in texts
    assert "x < y" in texts
    assert any("<b>$title</b>" in text for text in texts)


def test_names_of_runs_are_escaped(tmp_path):
    write_page(tmp_path / "r.html", "t", "v", "l", {"<i>": RUNS["T=5"], "b": RUNS["CATS"]}, "")
    assert ("<i>", False) in Page((tmp_path / "r.html").read_text()).tables[0][0]
