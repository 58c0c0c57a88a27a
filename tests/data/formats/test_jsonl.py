import json

import pytest

from catscale.errors import DataError
from tests.data.formats.reading import read_jsonl
from tests.data.toy_corpora import write, write_jsonl


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
