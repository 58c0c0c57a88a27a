import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data.formats.lines import in_chunks, read_lines, read_together, read_written, write_lines
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


@pytest.mark.parametrize("lines", [0, 1, 99, 100, 101, 430])
def test_files_are_read_together_in_whole_parts(lines: int, tmp_path: Path) -> None:
    sides = [[f"{side}{n}\u2028\r" for n in range(lines)] for side in "ab"]
    paths = [tmp_path / side for side in "ab"]
    for path, side in zip(paths, sides, strict=True):
        with path.open("wb") as file:
            write_lines(file, side)
    for count, characters in ((100, 10**6), (200, 10**6), (10**6, 1)):
        parts = list(read_together(paths, count, characters))
        assert [[line for part in parts for line in part[side]] for side in (0, 1)] == sides
        step = min(count, 100) if characters == 1 else count  # a block is more than one byte
        assert [len(part[0]) for part in parts] == [min(step, lines - start) for start in range(0, lines, step)]


def test_empty_lines_are_lines_when_read_together(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\n\nx\n")
    assert list(read_together([tmp_path / "a"], 100, 100)) == [[["", "", "x"]]]


@pytest.mark.parametrize(("first", "second"), [(3, 2), (2, 3), (0, 1), (200, 100), (100, 200)])
def test_files_read_together_have_as_many_lines_each(first: int, second: int, tmp_path: Path) -> None:
    for name, count in (("a", first), ("b", second)):
        (tmp_path / name).write_bytes(b"x\n" * count)
    with pytest.raises(ValueError, match=r"a and .*b have not as many lines each"):
        list(read_together([tmp_path / "a", tmp_path / "b"], 100, 10**6))
