import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data.formats.text import read_aligned, read_jsonl, read_table
from catscale.errors import DataError
from tests.data.toy_corpora import write, write_jsonl

TEXT = st.text(st.characters(exclude_characters="\n\r\t\ufeff", exclude_categories=["Cs"]), max_size=20).filter(
    lambda text: text.strip() != "__NULL__"
)
PAIRS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8)


@given(pairs=PAIRS)
def test_every_format_returns_the_pairs(pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    source = write(folder / "x.en", [a for a, _ in pairs])
    target = write(folder / "x.de", [b for _, b in pairs])
    table = write(folder / "x.tsv", ["de\ten", *(f"{b}\t{a}" for a, b in pairs)])
    bare = write(folder / "bare.tsv", [f"{a}\t{b}" for a, b in pairs])
    records = write_jsonl(folder / "x.jsonl", [{"en": a, "de": b} for a, b in pairs])
    assert list(read_aligned(source, target)) == pairs
    assert list(read_table(table, ("en", "de"))) == pairs
    assert list(read_table(bare, (0, 1))) == pairs
    assert list(read_jsonl(records, "en", "de")) == pairs


@pytest.mark.parametrize(("n_source", "n_target"), [(5, 4), (1003, 1007)])
def test_misaligned_files_name_both_counts(tmp_path, n_source, n_target):
    source = write(tmp_path / "x.en", ["a"] * n_source)
    target = write(tmp_path / "x.de", ["b"] * n_target)
    with pytest.raises(DataError, match=rf"x\.en has {n_source:,} lines and .*x\.de has {n_target:,}; line n"):
        list(read_aligned(source, target))


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


@pytest.mark.parametrize("bad", ["[1]", "{", '{"translation": 3}', '{"en": 5}', '{"en": "\\ud800"}'])
def test_bad_record_names_its_line(tmp_path, bad):
    path = write(tmp_path / "x.jsonl", [json.dumps({"en": "a"}), "", bad])
    with pytest.raises(DataError, match=r"x\.jsonl, line 3 is not an object like"):
        list(read_jsonl(path, "en", "de"))


def test_records_keep_one_line_and_skip_other_languages(tmp_path):
    path = write_jsonl(tmp_path / "x.jsonl", [{"en": "a\nb", "de": "c"}, {"en": "a", "fr": "d"}])
    assert list(read_jsonl(path, "en", "de")) == [("a b", "c")]


def test_other_values_beside_the_texts_are_ignored(tmp_path):
    inner = {"en": "a", "de": "b", "score": 0.5, "tags": ["x"]}
    lines = [
        {"translation": inner, "id": 0, "meta": {"doc": 1}, "checked": True},
        {**inner, "translation": "x", "id": None},
        inner | {"meta": {"en": "c"}, "note": "\ud800"},
    ]
    path = write(tmp_path / "x.jsonl", list(map(json.dumps, lines)))
    assert list(read_jsonl(path, "en", "de")) == [("a", "b")] * 3


def test_a_null_is_an_empty_side_and_a_missing_key_no_pair(tmp_path):
    lines = [
        {"en": "a", "de": None},
        {"en": None, "de": "b"},
        {"en": None, "de": None},
        {"en": "a"},
        {"translation": None},
    ]
    path = write(tmp_path / "x.jsonl", list(map(json.dumps, lines)))
    assert list(read_jsonl(path, "en", "de")) == [("a", ""), ("", "b")]


@pytest.mark.parametrize("value", ["5", "[1]", "{}", "true"])
def test_another_value_in_the_place_of_a_text(tmp_path, value):
    path = write(tmp_path / "x.jsonl", [f'{{"en": "a", "de": {value}}}'])
    with pytest.raises(DataError, match=r"x\.jsonl, line 1 .* under 'de' it holds .* where a text is needed; fix"):
        list(read_jsonl(path, "en", "de"))


def test_a_table_s_other_columns_empty_lines_and_repeated_names(tmp_path):
    path = write(tmp_path / "x.tsv", ["id\ten\tscore\tde", "1\ta\t0.5\tb", "", "2\tc\t\td", ""])
    assert list(read_table(path, ("en", "de"))) == [("a", "b"), ("c", "d")]
    with pytest.raises(DataError, match=r"y\.tsv has 2 columns 'en' in its header; rename"):
        list(read_table(write(tmp_path / "y.tsv", ["en\ten\tde", "a\tb\tc"]), ("en", "de")))


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


def test_a_list_is_no_json_lines(tmp_path):
    record = {"translation": {"en": "a", "de": "b"}}
    for text in (json.dumps([record]), json.dumps([record], indent=1), "\ufeff" + json.dumps([record])):
        (tmp_path / "x.json").write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=r"x\.json, line 1 is not an object like .*one object a line.*jq -c"):
            list(read_jsonl(tmp_path / "x.json", "en", "de"))


@pytest.mark.parametrize(
    "line",
    [
        '{"en": "a", "en": "b", "de": "c"}',
        '{"translation": {"de": "a", "en": "c", "de": "b"}}',
    ],
)
def test_a_key_that_stands_twice_with_two_texts(tmp_path, line):
    path = write(tmp_path / "x.jsonl", ['{"en": "one", "de": "eins"}', line])
    with pytest.raises(DataError, match=r"x\.jsonl, line 2 has the key '(en|de)' twice"):
        list(read_jsonl(path, "en", "de"))


def test_a_translation_that_stands_twice(tmp_path):
    line = '{"translation": {"en": "a", "de": "b"}, "translation": {"en": "c", "de": "d"}}'
    with pytest.raises(DataError, match="line 1 is not an object"):
        list(read_jsonl(write(tmp_path / "x.jsonl", [line]), "en", "de"))


@pytest.mark.parametrize(
    "beside",
    [
        '"id": ' + "9" * 5000,
        '"id": -1e999, "x": NaN',
        '"m": {"k": 1, "k": 2}, "n": 1, "n": 2',
        '"en": "a"',
        '"translation": 5',
        '"translation": ["a", {"en": "no", "de": "nein"}]',
    ],
)
def test_what_stands_beside_the_texts_does_not_matter(tmp_path, beside):
    path = write(tmp_path / "x.jsonl", [f'{{"en": "a", {beside}, "de": "b"}}'])
    assert list(read_jsonl(path, "en", "de")) == [("a", "b")]
