import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.errors import CheckpointError, DataError
from catscale.system.reading.json_file import DEPTH, SMALL, Limits, load_json, parse_json, read_json
from catscale.system.reading.schema import Count, FileSchema, Number, Text, check

ADVICE = "restore it"


class Part(FileSchema):
    n: Count
    x: Number | None = None


class Whole(FileSchema):
    parts: dict[str, Part]
    name: Text = ""


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**127), 2**127)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(values, st.booleans())
def test_what_json_writes_is_read(value, is_ascii):
    text = json.dumps(value, ensure_ascii=is_ascii)
    assert parse_json(text) == value == parse_json(text.encode())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NaN", "NaN is no number"),
        ('{"a": [-Infinity]}', "-Infinity is no number"),
        ("1e999", "the number 1e999 is too large"),
        ("9" * 5000, "a number has 5,000 digits, and 40 are the most"),
        ('{"a": 1, "b": 2, "a": 1}', "the key 'a' is repeated"),
        ("[" * 100_000, "nested too deeply, in more than 64 levels"),
        ("[" * (DEPTH + 1) + "]" * (DEPTH + 1), "nested too deeply"),
        ('{"a": ' * (DEPTH + 1) + "1" + "}" * (DEPTH + 1), "nested too deeply"),
        ('["\\ud800"]', "half of a surrogate pair"),
        ('{"\\uDC00": 1}', "half of a surrogate pair"),
        ("", "Expecting value"),
        ("{'a': 1}", "Expecting property name"),
        ("[1] [2]", "Extra data"),
        ("\ufeff{}", "BOM"),
        (b"\xff", "codec can't decode"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_json(text)


def test_brackets_in_texts_are_no_levels():
    text = json.dumps(["[{" * 200, '\\"[' * 200, {"[" * 99: []}])
    assert parse_json(text) == json.loads(text)
    assert parse_json("[" * DEPTH + "]" * DEPTH)
    assert parse_json('["\\ud83d\\ude00", "\\\\ud800"]') == ["\U0001f600", "\\ud800"]


def test_limits():
    with pytest.raises(ValueError, match="longer than the 9 bytes"):
        parse_json("[1,2,3,4,5]", Limits(size=9))
    with pytest.raises(ValueError, match="holds more than 4 values"):
        parse_json("[1,2,3,4,5]", Limits(values=4))
    assert parse_json("[1,2,3,4,5]", SMALL) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "must hold keys, found \\[\\]"),
        ({}, "parts: field required"),
        ({"parts": []}, "parts: must hold keys, found \\[\\]"),
        ({"parts": {"a": {"n": -1}}}, "parts.a.n: input should be greater than or equal to 0, found -1"),
        ({"parts": {"a": {"n": True}}}, "parts.a.n: input should be a valid integer, found True"),
        ({"parts": {"a": {"n": 1.0}}}, "parts.a.n: input should be a valid integer, found 1.0"),
        ({"parts": {"a": {"n": "1"}}}, "parts.a.n: input should be a valid integer, found '1'"),
        ({"parts": {"a": {"n": 2**63}}}, "parts.a.n: input should be less than"),
        ({"parts": {"a": {"n": 1, "x": "0.5"}}}, "parts.a.x: input should be a valid number, found '0.5'"),
        ({"parts": {"a": {"n": 1, "x": float("nan")}}}, "parts.a.x: input should be a finite number, found nan"),
        ({"parts": {}, "name": "a\0"}, "name: text holds a NUL character"),
        ({"parts": {str(n): {} for n in range(9)}}, "parts.0.n: .*parts.2.n: field required; and 6 more"),
        ({"parts": {"a" * 10_000: ["b" * 10_000]}}, "parts.a{60}: must hold keys"),
    ],
)
def test_what_a_schema_refuses(content, message):
    with pytest.raises(ValueError, match=message) as error:
        check(content, Whole)
    assert len(str(error.value)) < 1000


def test_keys_of_later_versions_are_left_alone(tmp_path):
    path = tmp_path / "a.json"
    content = {"parts": {"a": {"n": 1, "x": 2, "new": [1]}}, "newer": {}}
    path.write_text(json.dumps(content))
    assert load_json(path, Whole) == load_json(path) == content
    assert read_json(path, Whole, CheckpointError, ADVICE) == content


def test_files_that_cannot_be_read(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(DataError, match=r"a\.json cannot be read \(No such file or directory\); restore it"):
        read_json(path, Whole, DataError, ADVICE)
    path.write_text('{"parts": 3}')
    with pytest.raises(CheckpointError, match=r"a\.json cannot be read \(parts: .*, found 3\); restore it"):
        read_json(path, Whole, CheckpointError, ADVICE)
    (tmp_path / "link.json").symlink_to(path)
    with pytest.raises(CheckpointError, match="it is a symbolic link"):
        read_json(tmp_path / "link.json", Whole, CheckpointError, ADVICE)
    assert load_json(tmp_path / "link.json", follow=True) == {"parts": 3}
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(CheckpointError, match="it is a pipe"):
        read_json(tmp_path / "pipe.json", Whole, CheckpointError, ADVICE)
