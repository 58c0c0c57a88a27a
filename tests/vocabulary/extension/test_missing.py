"""The characters that a tokenizer lacks."""

import pytest

from catscale.vocabulary.extension import extend, find_missing, union_of
from tests.vocabulary.extension.base import NEW, OLD, ids_of, make_content

UNKNOWN = 3


@pytest.mark.parametrize("normalizer", ["kept", None])
def test_missing_are_those_that_become_unknown(normalizer):
    content = make_content() | ({} if normalizer else {"normalizer": None})
    found = find_missing(content, {"az": NEW, **OLD})
    assert not found["en"].characters
    assert not found["de"].characters
    for character in sorted({*"".join(NEW)} - {" "}):
        (ids,) = ids_of(content, [f"e{character}e"])
        assert (character in found["az"].characters) == (UNKNOWN in ids), character


def test_the_shares_are_of_characters_and_of_lines():
    one = find_missing(make_content(), {"az": ["ab ş", "şşd", "ee", " "]})["az"]
    assert one.characters == {"ş": 3, "b": 1}
    assert one.of_characters == 4 / 8
    assert one.of_lines == 2 / 4
    assert str(one) == "2 characters are missing (ş b): 50.00% of its characters, in 50.00% of its lines"


def test_nothing_is_said_of_an_empty_language():
    one = find_missing(make_content(), {"az": []})["az"]
    assert (one.of_characters, one.of_lines, str(one)) == (0, 0, "no character is missing")


def test_characters_are_those_after_normalisation():
    content = make_content()  # NFKC: a full-width e is an e
    assert not find_missing(content, {"x": ["ｅ"]})["x"].characters
    assert set(find_missing(content | {"normalizer": None}, {"x": ["ｅ"]})["x"].characters) == {"ｅ"}


def test_control_characters_are_reported_but_get_no_piece():
    one = find_missing(make_content() | {"normalizer": None}, {"x": ["a\x07\u2028ş"]})["x"]
    assert set(one.characters) == {"\x07", "\u2028", "ş"}
    assert one.addable == ("ş",)
    assert "U+0007" in str(one)


def test_a_long_list_is_cut():
    shown = str(find_missing(make_content(), {"x": ["бвгджзийклмнпр"]})["x"])
    assert "14 characters are missing" in shown
    assert " and 2 more)" in shown


def test_one_character_of_very_many_is_not_nothing():
    shown = str(find_missing(make_content(), {"x": ["ş", *["e" * 100] * 20_000]})["x"])
    assert shown == "1 character is missing (ş): <0.01% of its characters, in <0.01% of its lines"


def test_characters_of_several_languages_are_added_once_the_most_frequent_first():
    found = find_missing(make_content(), {"a": ["şşx", "b"], "b": ["xxxx"]})
    assert union_of(found.values()) == ("x", "ş", "b")


def test_added_characters_are_known_in_every_place():
    content = make_content()
    characters = union_of(find_missing(content, {"az": NEW}).values())
    after = extend(content, characters=characters).content
    assert not find_missing(after, {"az": NEW})["az"].characters
    for one in characters:
        (ids,) = ids_of(after, [f"{one}e{one}e{one} {one} {one}{one}"])
        assert UNKNOWN not in ids
        assert ids.count(after["model"]["vocab"][one]) == 6
