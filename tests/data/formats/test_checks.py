"""The checks of the contract of formats, on formats that break a promise."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from catscale.data.formats.checks import FormatCase, check_faults, check_format, check_languages, check_text_files
from catscale.data.formats.tsv import TSV
from catscale.data.pairs import Placed
from catscale.errors import DataError
from tests.data.formats.writers import write_tsv
from tests.unchecked import unchecked


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patterns": ("train.tsv",)}, r"the pattern train\.tsv has no \{split\}"),
        ({"patterns": ("{split}.{corpus}",)}, "has an unknown placeholder: 'corpus'"),
        ({"place": lambda path, source, target: reversed(list(TSV.place(path, source, target)))}, "read were"),
        ({"place": lambda path, source, target: TSV.place(path, "en", "de")}, "the other way round"),
        ({"place": lambda path, source, target: iter(list(TSV.place(path, source, target)))}, "times as long"),
        ({"groups": lambda path: [{"en"}, {"de"}]}, "en and de do not stand together"),
    ],
)
def test_the_checks_name_a_broken_promise(change: dict[str, object], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_format(replace(TSV, **unchecked(change)), write_tsv)


def place_plain(path: Path, source: str, target: str) -> Iterator[Placed]:
    """Read a table without decompression, and without its byte order mark."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        raise DataError(f"{path.name} is packed")
    yield from TSV.place(path, source, target)


def test_text_must_be_read_where_it_is_packed(tmp_path: Path) -> None:
    case = FormatCase(replace(TSV, place=place_plain), write_tsv, tmp_path)
    with pytest.raises(DataError, match=r"file\.gz is packed"):
        check_text_files(case)
    check_text_files(replace(case, form=replace(case.form, is_text=False)))  # no promise of what is no text


def test_a_file_that_is_no_sound_one_must_be_refused(tmp_path: Path) -> None:
    def place_nothing(path: Path, source: str, target: str) -> Iterator[Placed]:
        return iter(()) if path.stat().st_size == 0 else TSV.place(path, source, target)

    with pytest.raises(AssertionError, match=r"file\.empty is no sound file, and 0 pairs were read"):
        check_faults(FormatCase(replace(TSV, place=place_nothing), write_tsv, tmp_path))


def test_an_error_must_name_the_file(tmp_path: Path) -> None:
    def place_silently(path: Path, source: str, target: str) -> Iterator[Placed]:
        try:
            yield from TSV.place(path, source, target)
        except DataError:
            raise DataError("there is a fault somewhere") from None

    with pytest.raises(AssertionError, match=r"the error does not name file\.empty: there is a fault somewhere"):
        check_faults(FormatCase(replace(TSV, place=place_silently), write_tsv, tmp_path))


def test_samples_must_be_of_their_language(tmp_path: Path) -> None:
    form = replace(TSV, samples=lambda path: {"en": ["eine Katze"], "de": ["a cat"]})
    with pytest.raises(AssertionError, match=r"the samples of en are \['eine Katze'\]"):
        check_languages(FormatCase(form, write_tsv, tmp_path))


def test_a_case_writes_and_reads_a_file(tmp_path: Path) -> None:
    case = FormatCase(TSV, write_tsv, tmp_path)
    path = case.file(gzip.compress(write_tsv([("a", "b")])), ".gz")
    assert path == tmp_path / "file.gz"
    assert list(case.pairs(path)) == [("a", "b")]
