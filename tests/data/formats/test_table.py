"""The table of formats, and the names that it knows."""

import pytest

from catscale.data.formats.contract import AlignedFormat, FileFormat
from catscale.data.formats.table import ELSEWHERE, FORMATS, check_format, file_format, streaming_formats


def test_formats_that_are_no_files_by_name_are_no_rows() -> None:
    assert not set(ELSEWHERE) & set(FORMATS)
    assert file_format("moses") is None
    assert file_format("hf") is None
    assert streaming_formats() == ["tsv", "jsonl", "tmx", "xliff"]


@pytest.mark.parametrize("name", ["tsv", "moses", "hf", "pairs"])
def test_a_known_name_is_returned(name: str) -> None:
    assert check_format(name) == name


@pytest.mark.parametrize(("name", "near"), [("tmxx", "tmx"), ("pair", "pairs"), ("opus", "opus100"), ("TSV", "tsv")])
def test_an_unknown_name_is_refused_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(
        ValueError, match=rf"there is no such format; did you mean .*'{near}'.* known are opus100, .*pairs"
    ):
        check_format(name)


def test_formats_are_of_two_kinds() -> None:
    aligned = {name for name, form in FORMATS.items() if isinstance(form, AlignedFormat)}
    assert aligned == {"opus100", "moses"}
    for name in set(FORMATS) - aligned:
        form = file_format(name)
        assert isinstance(form, FileFormat)
        assert FORMATS[name] is form
    assert file_format("no such format") is None


def test_each_ending_belongs_to_one_format() -> None:
    endings = [ending for name in FORMATS if (form := file_format(name)) for ending in form.endings]
    assert len(set(endings)) == len(endings)
    assert {".tsv", ".jsonl", ".tmx", ".parquet"} <= set(endings)
