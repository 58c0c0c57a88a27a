import pytest

from catscale.errors import DataError
from tests.data.formats.reading import read_table
from tests.data.toy_corpora import write


def test_null_cells_are_empty(tmp_path):
    path = write(tmp_path / "x.tsv", ["en\taz\tde", "a\t__NULL__\tc", "d\te\t"])
    assert list(read_table(path, ("en", "az"))) == [("a", ""), ("d", "e")]
    assert list(read_table(path, ("de", "en"))) == [("c", "a"), ("", "d")]


def test_short_row_names_its_line(tmp_path):
    path = write(tmp_path / "x.tsv", ["en\tde", "a\tb", "alone"])
    with pytest.raises(DataError, match=r"x\.tsv, line 3 has 1 columns, column 2 is needed"):
        list(read_table(path, ("en", "de")))


def test_unknown_column_names_the_header(tmp_path):
    path = write(tmp_path / "x.tsv", ["en\tde", "a\tb"])
    with pytest.raises(DataError, match=r"no column 'fr' in its header, which is: en, de; name the columns"):
        list(read_table(path, ("en", "fr")))


def test_header_alone_is_empty(tmp_path):
    with pytest.raises(DataError, match=r"x\.tsv is empty below its header"):
        list(read_table(write(tmp_path / "x.tsv", ["en\tde"]), ("en", "de")))


def test_a_table_s_other_columns_empty_lines_and_repeated_names(tmp_path):
    path = write(tmp_path / "x.tsv", ["id\ten\tscore\tde", "1\ta\t0.5\tb", "", "2\tc\t\td", ""])
    assert list(read_table(path, ("en", "de"))) == [("a", "b"), ("c", "d")]
    with pytest.raises(DataError, match=r"y\.tsv has 2 columns 'en' in its header; rename"):
        list(read_table(write(tmp_path / "y.tsv", ["en\ten\tde", "a\tb\tc"]), ("en", "de")))
