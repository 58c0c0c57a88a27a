import gzip

import pytest

from catscale.data.formats.xml_stream import CHUNK, LONGEST_TAG, End, SegmentText, Start, read_events
from catscale.errors import DataError


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_tags_without_prefix_text_and_lines(tmp_path):
    path = write(tmp_path / "x.xml", '<?xml version="1.0"?>\n<a>\n<p:b c="1">x\u2028y\nz</p:b></a>')
    assert list(read_events(path)) == [
        Start("a", {}, 2), SegmentText(" "), Start("b", {"c": "1"}, 3), SegmentText("x\u2028y z"), End("b"), End("a")
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(tmp_path, encoding):
    declared = f"<?xml version='1.0' encoding='{encoding.removesuffix('-sig')}'?>"
    path = write(tmp_path / "x.xml", f"{declared}<a>\u00e4</a>".encode(encoding))
    assert SegmentText("\u00e4") in list(read_events(path))


def test_packed_and_longer_than_a_chunk(tmp_path):
    text = "ab \u00e4\u2603" * CHUNK
    path = write(tmp_path / "x.xml.gz", gzip.compress(f"<a>{text}</a>".encode()))
    assert "".join(event.text for event in read_events(path) if isinstance(event, SegmentText)) == text


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (f'<!DOCTYPE a [<!ENTITY l0 "ha">\n{LAUGHS}]><a>&l9;</a>', r"x\.xml, line 1 declares the entity 'l0'"),
        ('<!DOCTYPE a [\n<!ENTITY e SYSTEM "file:///etc/passwd">]>\n<a>&e;</a>', r"line 2 declares the entity 'e'"),
        ('<!DOCTYPE a [<!ENTITY % e SYSTEM "http://x/y.dtd"> %e;]><a/>', r"line 1 declares the entity 'e'"),
        ('<!DOCTYPE a SYSTEM "a.dtd">\n<a>caf&eacute;</a>', r"line 2 uses the entity &eacute; of a DTD"),
        ("<a>\n&eacute;</a>", r"line 2 is not well-formed XML: undefined entity; mend"),
        ("<a>\n<b></a>", r"line 2 is not well-formed XML: mismatched tag"),
        ("<a>\n", r"line 2 is not well-formed XML: no element found"),
        (b"<a>\n\n\xe4</a>", r"line 3 is not well-formed XML: not well-formed"),
        (b"<a>\n\x00</a>", r"line 2 is not well-formed XML"),
        ("<a>&#xD800;</a>", "reference to invalid character number"),
        ("", r"x\.xml, line 1 is empty; mend"),
        ("<?xml version='1.0' encoding='nonsense'?><a/>", "names an encoding that cannot be read .*nonsense"),
        ("<?xml version='1.0' encoding='zlib'?><a/>", "names an encoding that cannot be read"),
        ("<?xml version='1.0' encoding='utf-7'?><a/>", "names an encoding that cannot be read"),
    ],
)
def test_hostile_documents_are_refused_with_their_line(tmp_path, document, message):
    with pytest.raises(DataError, match=message):
        list(read_events(write(tmp_path / "x.xml", document)))


def test_a_document_type_that_names_a_dtd_is_read_over(tmp_path):
    path = write(tmp_path / "x.xml", '<!DOCTYPE a SYSTEM "nowhere.dtd"><a>x</a>')
    assert list(read_events(path)) == [Start("a", {}, 1), SegmentText("x"), End("a")]


def test_a_tag_without_end_does_not_fill_the_memory(tmp_path):
    path = write(tmp_path / "x.xml", b"<a>\n<b c='" + b"x" * (LONGEST_TAG + CHUNK))
    with pytest.raises(DataError, match=r"line 2 has a tag or a comment of more than 16 MiB; is this the right file"):
        list(read_events(path))


def test_nesting_without_end_is_no_recursion(tmp_path):
    path = write(tmp_path / "x.xml", b"<g>" * 100_000 + b"x" + b"</g>" * 100_000)
    assert sum(1 for _ in read_events(path)) == 200_001


@pytest.mark.parametrize("name", ["missing.tmx", "plain.gz", "cut.gz"])
def test_unreadable_files(tmp_path, name):
    write(tmp_path / "plain.gz", b"not packed")
    write(tmp_path / "cut.gz", gzip.compress(b"<a>\n" + bytes(range(32, 128)) * 5000)[:-40])
    with pytest.raises(DataError, match=rf"{name}, line \d+ cannot be read further: .*; check that the file"):
        list(read_events(tmp_path / name))
