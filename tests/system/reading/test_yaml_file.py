import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.errors import ConfigError
from catscale.system.reading import yaml_file
from catscale.system.reading.yaml_file import DEPTH, VALUES, dump_yaml, parse_yaml, read_yaml

CASES = Path(__file__).parents[4] / "shared" / "cases"
SPECIFICATION: list[tuple[str, Callable[[str], object]]] = [
    (r"null|Null|NULL|~", lambda text: None),
    (r"", lambda text: None),
    (r"true|True|TRUE|false|False|FALSE", lambda text: text.lower() == "true"),
    (r"[-+]?[0-9]+", int),
    (r"0o[0-7]+", lambda text: int(text[2:], 8)),
    (r"0x[0-9a-fA-F]+", lambda text: int(text[2:], 16)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?(\.inf|\.Inf|\.INF)", lambda text: -math.inf if text[0] == "-" else math.inf),
    (r"\.nan|\.NaN|\.NAN", lambda text: math.nan),
]
"""The core schema, YAML 1.2.2, section 10.3.2, row by row."""


def core(text: str) -> Any:
    """What the specification makes of a plain word."""
    return next((read(text) for pattern, read in SPECIFICATION if re.fullmatch(pattern, text)), text)


words = st.text(st.sampled_from("0123456789abefinotxEN+-._~"), min_size=1, max_size=7)


@settings(max_examples=400, deadline=None)
@given(words)
def test_a_plain_word_is_what_the_specification_says_or_a_word(text):
    if re.match(r"-+$|\.\.\.|---", text):
        return
    found, expected = parse_yaml(f"[{text}]")[0], core(text)
    if found != text:
        assert (type(found), repr(found)) == (type(expected), repr(expected))
    elif expected != text:  # it reads otherwise in YAML 1.1, or does not look like what it is
        assert re.fullmatch(r"[-+]?0o?[0-9].*", text)


@pytest.mark.parametrize("text", ["017", "1:30", "0b1", "0o17", "1_000", "00", "08.5", "2020-01-01", "yes", "No", "on",
                                  "off", "y", "inf", "nan", "=", "1.5.2", "3,5", "０", "١٧"])  # fmt: skip
def test_what_is_no_number_is_a_word(text):
    assert parse_yaml(f"a: {text}") == {"a": text}
    assert parse_yaml(f"{text}: 1") == {text: 1}
    assert parse_yaml("1: no\ntrue: 2\n~: 3") == {"1": "no", "true": 2, "~": 3}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e3", 1000.0), (".5", 0.5), ("3.", 3.0), ("-1.5e-4", -1.5e-4), ("0x1f", 31), ("-0", 0), ("+5", 5), ("3.0", 3.0),
     ("~", None), ("", None), ("!!int 3", 3), ("!!str 3", "3"), ("'3'", "3"), ("!!float 3", 3.0), ("!!bool true", True),
     ("! 3", 3), ("-.inf", -math.inf)],
)  # fmt: skip
def test_what_is_a_number(text, value):
    found = parse_yaml(f"a: {text}")["a"]
    assert (type(found), found) == (type(value), value)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(allow_nan=False) | st.text(max_size=6) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | words, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(values)
def test_what_is_written_is_read_as_the_same(value):
    text = dump_yaml({"a": value})
    assert parse_yaml(text) == {"a": value}
    assert yaml.safe_load(text) == {"a": value}  # a reader of YAML 1.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!int x", "'x' is no int"),
        ("a: !!int 017", "'017' is no int"),
        ("a: !!float 1:30", "'1:30' is no float"),
        ("a: !!timestamp 2020-01-01", "the tag .*timestamp' is none of !!str, !!int"),
        ("a: !!set {b}", "the tag .*set' is none of"),
        ("a: !!binary aGk=", "the tag .*binary' is none of"),
        ("a: !!seq {}", "the tag .*seq' is none of"),
        ("!!python/object/apply:os.getcwd []", "the tag .*getcwd' is none of"),
        ("a: !own b", "the tag '!own' is none of"),
        ("a: 1\na: 2", "the key 'a' is repeated"),
        ('a: 1\n"a": 2', "the key 'a' is repeated"),
        ("? [a]\n: 1", "a key must be a word"),
        ('1: 2\n"1": 3', "the key '1' is repeated"),
        ("a: &b [*b]", "an alias stands inside of what it repeats"),
        ("a: *b", "undefined alias"),
        ("a: {<<: 3}", "<< takes a mapping"),
        ("a: " + "9" * 41, "a number has 41 digits, and 40 are the most"),
        ("[" * (DEPTH + 1), "nested too deeply, in more than 32 levels"),
        ("[" * 100_000, "nested too deeply"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("a: [", "expected"),
        ("\x00", "special characters are not allowed"),
        ("%YAML 9.9\n---\na: 1", "incompatible YAML document"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(ValueError, match=message) as error:
        parse_yaml(text)
    assert len(str(error.value)) <= 1000


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_aliases_count_each_time():
    assert len(parse_yaml(laughs(4))["a3"]) == 9
    with pytest.raises(ValueError, match="holds more than 200,000 values, those that aliases repeat counted each time"):
        parse_yaml(laughs(30))


def test_merge_keys_cost_what_they_merge():
    assert parse_yaml("a: &a {k: 1, l: 2}\nb: {<<: *a, l: 3}")["b"] == {"k": 1, "l": 3}
    assert parse_yaml("a: &a {k: 1}\nb: &b {k: 2, l: 2}\nc: {<<: [*a, *b]}")["c"] == {"k": 1, "l": 2}
    assert parse_yaml('a: {"<<": 3}') == {"a": {"<<": 3}}
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 20)}]}}" for n in range(1, 30)]  # 20^29 in SafeLoader
    assert parse_yaml("\n".join(lines))["a29"] == {"k": "v"}
    many = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\nb: [" + "{<<: *a}, " * 300 + "]"
    with pytest.raises(ValueError, match="merges more than 200,000 keys"):
        parse_yaml(many)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
def test_the_case_of_merge_keys():
    assert parse_yaml((CASES / "merge_keys.yaml").read_text())["h"] == {"k": "v"}


def test_many_values(monkeypatch):
    monkeypatch.setattr(yaml_file, "VALUES", 50)
    assert len(parse_yaml("[" + "1, " * 40 + "]")) == 40
    with pytest.raises(ValueError, match="holds more than 50 values"):
        parse_yaml("[" + "1, " * 60 + "]")
    assert VALUES == 200_000


def test_files(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("data: {targets: [no, da]}\n")
    assert read_yaml(path) == {"data": {"targets": ["no", "da"]}}
    (tmp_path / "link.yaml").symlink_to(path)
    assert read_yaml(tmp_path / "link.yaml") == read_yaml(path)
    with pytest.raises(ConfigError, match=r"cannot read the configuration .*link.yaml: it is a symbolic link"):
        read_yaml(tmp_path / "link.yaml", follow=False)
    path.write_text("- 1\n")
    with pytest.raises(ConfigError, match="must hold keys such as data: and training:, found list"):
        read_yaml(path)
    path.write_bytes(b"a: \xff\n")
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        read_yaml(path)
    path.write_text("a: &a [*a]\n")
    with pytest.raises(ConfigError, match=r"c.yaml is not valid YAML: an alias stands inside .*\n.*line 1, column 4"):
        read_yaml(path)


def test_a_mistake_is_placed_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("model:\n  new_languages: {gl: [\n")
    with pytest.raises(ConfigError, match=r'(?s)not valid YAML: .* in ".*/my\.yaml", line 3, column 1:'):
        read_yaml(path)
    with pytest.raises(ValueError, match=r"the key 'a' is repeated\n  in \"the text\", line 1, column 8"):
        parse_yaml("{a: 1, a: 2}")
