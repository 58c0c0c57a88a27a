import pytest

from catscale.errors import DataError
from tests.data.formats.reading import read_aligned
from tests.data.toy_corpora import write


@pytest.mark.parametrize(("n_source", "n_target"), [(5, 4), (1003, 1007)])
def test_misaligned_files_name_both_counts(tmp_path, n_source, n_target):
    source = write(tmp_path / "x.en", ["a"] * n_source)
    target = write(tmp_path / "x.de", ["b"] * n_target)
    with pytest.raises(DataError, match=rf"x\.en has {n_source:,} lines and .*x\.de has {n_target:,}; line n"):
        list(read_aligned(source, target))


@pytest.mark.parametrize("rest", ["\n", "\n \n\r\n"])
def test_empty_lines_at_the_end_of_one_file_are_no_pairs(tmp_path, rest):
    source, target = tmp_path / "x.en", tmp_path / "x.de"
    source.write_text("a\nb\n" + rest, newline="")
    target.write_text("c\r\nd", newline="")
    assert list(read_aligned(source, target)) == [("a", "c"), ("b", "d")]
    assert list(read_aligned(target, source)) == [("c", "a"), ("d", "b")]
    source.write_text("a\nb\n" + rest + "e\n", newline="")
    with pytest.raises(DataError, match=r"x\.de has 2; line n of one"):
        list(read_aligned(source, target))
