import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data.formats.lines import in_chunks, read_lines, read_written, write_lines
from catscale.errors import DataError

LINE = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=30)


@given(lines=st.lists(LINE, min_size=1), packed=st.booleans(), last_newline=st.booleans())
def test_lines_survive_writing_and_reading(lines, packed, last_newline, tmp_path_factory):
    path = tmp_path_factory.mktemp("lines") / ("x.gz" if packed else "x")
    content = "\n".join(lines).encode() + (b"\n" if last_newline or not lines[-1] else b"")
    path.write_bytes(gzip.compress(content) if packed else content)
    expected = [line.removesuffix("\r") for line in lines]
    expected[0] = lines[0].removeprefix("\ufeff").removesuffix("\r")
    assert list(read_lines(path)) == expected


@given(lines=st.lists(LINE))
def test_our_own_files_keep_every_character(lines, tmp_path_factory):
    path = tmp_path_factory.mktemp("lines") / "x"
    with path.open("wb") as file:
        write_lines(file, lines)
    assert list(read_written(path)) == lines


def test_only_line_feeds_end_lines(tmp_path):
    (tmp_path / "x").write_bytes("\ufeffa\u2028b\x0bc\x85d\re\r\nf".encode())
    assert list(read_lines(tmp_path / "x")) == ["a\u2028b\x0bc\x85d\re", "f"]


def test_invalid_utf8_names_file_and_line(tmp_path):
    (tmp_path / "x.en").write_bytes(b"good\nb\xe4d\n")
    with pytest.raises(DataError, match=r"x\.en, line 2 is not valid UTF-8: byte 0xe4 at position 2; convert"):
        list(read_lines(tmp_path / "x.en"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_recognised_by_its_mark(tmp_path, encoding):
    (tmp_path / "x.en").write_bytes("\ufeffone\ntwo\n".encode(encoding))
    with pytest.raises(DataError, match=r"x\.en, line 1 is not valid UTF-8: .*iconv -f utf-16 -t utf-8"):
        list(read_lines(tmp_path / "x.en"))


def test_empty_file(tmp_path):
    (tmp_path / "x.en").touch()
    with pytest.raises(DataError, match=r"x\.en is empty"):
        list(read_lines(tmp_path / "x.en"))


@pytest.mark.parametrize("name", ["missing", "cut.gz", "plain.gz"])
def test_unreadable_file(tmp_path: Path, name: str):
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"some text\n" * 1000)[:-20])
    (tmp_path / "plain.gz").write_bytes(b"not packed\n")
    with pytest.raises(DataError, match=f"cannot read .*{name} after line"):
        list(read_lines(tmp_path / name))


def test_chunks():
    assert list(in_chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]


def test_gzip_under_another_name_is_told(tmp_path):
    path = tmp_path / "x.en"
    path.write_bytes(gzip.compress(b"a\n"))
    with pytest.raises(DataError, match=r"x\.en, line 1 is not valid UTF-8: .*compressed by gzip: unpack it"):
        list(read_lines(path))
