"""Lines come in lists of as many as are there."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from catscale.cli import lines_in
from catscale.cli.lines_in import open_lines
from catscale.errors import CatscaleError, ConfigError


def read(path: Path, most: int = 3) -> list[list[str]]:
    with open_lines(path, most) as lists:
        return list(lists)


def test_a_file_is_cut_at_line_feeds_only(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes("\ufeffone\r\ntwo\u2028 still two\n\nfour".encode())
    lists = read(tmp_path / "in")
    assert [line for lines in lists for line in lines] == ["one\r", "two\u2028 still two", "", "four"]
    assert max(map(len, lists)) <= 3


def test_a_line_is_cut_at_the_longest_and_an_empty_file_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_in, "LONGEST", 4)
    (tmp_path / "long").write_text("abcdefgh\nab\n")
    (tmp_path / "empty").write_text("")
    assert read(tmp_path / "long") == [["abcd", "ab"]]
    assert read(tmp_path / "empty") == []


def test_a_line_is_read_whole_over_several_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_in, "BLOCK", 2)
    (tmp_path / "in").write_text("abcdefg\nxy\nz")
    assert [line for lines in read(tmp_path / "in") for line in lines] == ["abcdefg", "xy", "z"]


def test_what_a_pipe_holds_is_handed_on_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    out, into = os.pipe()
    with os.fdopen(out, "rb") as pipe:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=pipe))
        with open_lines(None) as lists:
            os.write(into, b"one\ntwo\nthr")
            assert next(lists) == ["one", "two"]
            os.write(into, b"ee\n")
            os.close(into)
            assert list(lists) == [["three"]]


def test_bytes_that_are_no_text_name_their_line(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"one\n\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"in, line 2: not valid UTF-8 \(invalid start byte\); "):
        read(tmp_path / "in")


def test_nothing_to_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CatscaleError, match=r"cannot read .*none: No such file"):
        read(tmp_path / "none")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ConfigError, match="standard input is closed; pipe text in, or name a file with --input"):
        open_lines(None).__enter__()
