import gzip

import pytest

from catscale.errors import DataError
from catscale.recipes.publisher_files import MAX_SEGMENT_FILE, read_columns, read_lines_of, read_memory, read_segments
from catscale.recipes.streams import ArchiveLimits

WIDE = ArchiveLimits(2**24, 1)


def put(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def both(tmp_path, left, right):
    return put(tmp_path / "left", left), put(tmp_path / "right", right)


def test_aligned_lines(tmp_path):
    paths = both(tmp_path, " a \nb\n", "x\r\ny\n")
    assert list(read_lines_of(paths, (WIDE, WIDE), tagged=False)) == [(" a ", "x"), ("b", "y")]


@pytest.mark.parametrize(("left", "right", "name"), [("a\nb\n", "x\n", "right"), ("a\n", "x\ny\n", "left")])
def test_files_of_different_length(tmp_path, left, right, name):
    with pytest.raises(DataError, match=f"do not belong together: {name} ends before line 2"):
        list(read_lines_of(both(tmp_path, left, right), (WIDE, WIDE), tagged=False))


def test_tagged_lines(tmp_path):
    """As in train.tags of IWSLT: a tag in either file takes the line out of both."""
    left = "<url>http://x</url>\n<title>T</title>\n One. \n<speaker>S</speaker>\nTwo.\n"
    right = "<url>http://x</url>\n<title>t</title>\nun.\nkein Tag\n deux.\n"
    pairs = list(read_lines_of(both(tmp_path, left, right), (WIDE, WIDE), tagged=True))
    assert pairs == [("One.", "un."), ("Two.", "deux.")]


def test_segments(tmp_path):
    left = '<srcset><doc>\n<seg id="1"> Q &amp; A </seg>\n<SEG id="2">two\nlines</SEG></doc>'
    right = '<refset><seg id="1">A & Q</seg> <seg id="2">&quot;zwei&quot;</seg>'
    assert list(read_segments(both(tmp_path, left, right))) == [("Q & A", "A & Q"), ("two lines", '"zwei"')]


@pytest.mark.parametrize("right", ["<seg>x</seg>", ""])
def test_segments_without_counterparts(tmp_path, right):
    left = "<seg>a</seg><seg>b</seg>" if right else ""
    with pytest.raises(DataError, match=r"left has [02] segments and .*right has [01]"):
        list(read_segments(both(tmp_path, left, right)))


def test_a_test_set_of_unbelievable_length(tmp_path):
    paths = both(tmp_path, "<seg>a</seg>", "")
    with paths[1].open("wb") as file:
        file.truncate(MAX_SEGMENT_FILE + 1)
    with pytest.raises(DataError, match="too many for a test set"):
        list(read_segments(paths))


def test_segments_that_are_not_text(tmp_path):
    with pytest.raises(DataError, match=r"left is not valid UTF-8"):
        list(read_segments(both(tmp_path, b"<seg>caf\xe9</seg>", "<seg>x</seg>")))


def test_columns(tmp_path):
    path = put(tmp_path / "f", gzip.compress(b"kk1\ten1\t0.5\nkk2\nkk3\ten3\n"))
    assert list(read_columns(path, WIDE, (1, 0))) == [("en1", "kk1"), ("", ""), ("en3", "kk3")]


MEMORY = """<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"><header/><body>
<tu><tuv xml:lang="en"><seg>One &amp; <ph>two</ph>
three</seg></tuv><tuv xml:lang="TR-tr"><prop>no</prop><seg>bir</seg></tuv></tu>
<tu><tuv xml:lang="en"><seg>alone</seg></tuv></tu>
<tu><tuv lang="tr"><seg>iki</seg></tuv><tuv lang="en"><seg>two</seg></tuv></tu></body></tmx>"""


def test_a_translation_memory(tmp_path):
    path = put(tmp_path / "f", gzip.compress(MEMORY.encode()))
    assert list(read_memory(path, WIDE, ("en", "tr"))) == [("One &  three", "bir"), ("two", "iki")]


def test_a_long_translation_memory_is_read_in_pieces(tmp_path):
    """More than one chunk, with units that lie across its end."""
    unit = "<tu><tuv xml:lang='en'><seg>{n} ä</seg></tuv><tuv xml:lang='tr'><seg>t{n}</seg></tuv></tu>"
    text = "<tmx><body>" + "".join(unit.format(n=n) for n in range(20_000)) + "</body></tmx>"
    assert len(text) > 2**20
    pairs = list(read_memory(put(tmp_path / "f", text), WIDE, ("en", "tr")))
    assert pairs == [(f"{n} ä", f"t{n}") for n in range(20_000)]


def test_a_cut_translation_memory(tmp_path):
    with pytest.raises(DataError, match="is not well-formed XML"):
        list(read_memory(put(tmp_path / "f", MEMORY[:-30]), WIDE, ("en", "tr")))


def test_entities_are_refused(tmp_path):
    text = (
        '<!DOCTYPE tmx [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><tmx><tu><tuv lang="en"><seg>&b;</seg></tuv></tu></tmx>'
    )
    with pytest.raises(DataError, match="declares the entity"):
        list(read_memory(put(tmp_path / "f", text), WIDE, ("en", "tr")))


def test_an_endless_segment_is_not_loaded(tmp_path):
    text = "<tmx><tu><tuv xml:lang='en'><seg>" + "x" * 2_000_000
    with pytest.raises(DataError, match="a unit of more than 1,048,576 characters"):
        list(read_memory(put(tmp_path / "f", text), WIDE, ("en", "tr")))


def test_a_unit_of_endless_languages_is_not_loaded(tmp_path):
    unit = "".join(f"<tuv xml:lang='{n:x}'><seg>x</seg></tuv>" for n in range(250_000))
    with pytest.raises(DataError, match="a unit of more than 1,048,576 characters"):
        list(read_memory(put(tmp_path / "f", f"<tmx><tu>{unit}</tu></tmx>"), WIDE, ("en", "tr")))
