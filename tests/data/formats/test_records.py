"""Objects of texts by language."""

from typing import Any

import pytest

from catscale.data.formats.records import Repeating, is_text, pair_of, texts_of


@pytest.mark.parametrize(
    ("record", "texts"),
    [
        ({"translation": {"en": "a", "de": "b"}}, {"en": "a", "de": "b"}),
        ({"en": "a", "de": "b"}, {"en": "a", "de": "b"}),
        ({"translation": None}, {}),
        ({"translation": "a", "en": "b"}, {"translation": "a", "en": "b"}),
        ({"translation": 5, "en": "b"}, {"translation": 5, "en": "b"}),
    ],
)
def test_texts_are_under_their_key_or_at_the_top(record: dict[str, Any], texts: dict[str, Any]) -> None:
    assert texts_of(record) == texts


@pytest.mark.parametrize("record", [5, None, ["a"], {"translation": [1]}])
def test_what_is_no_object_is_refused(record: Any) -> None:
    with pytest.raises(ValueError, match="no object of texts by language"):
        texts_of(record)


def test_a_key_that_is_there_twice_with_two_values_is_refused() -> None:
    record = Repeating({"translation": {"en": "a"}})
    assert texts_of(record) == {"en": "a"}
    record.keys_twice = frozenset({"translation"})
    with pytest.raises(ValueError, match=r"translation .* twice"):
        texts_of(record)


@pytest.mark.parametrize(
    ("record", "pair"),
    [
        ({"en": "a", "de": "b"}, ("a", "b")),
        ({"en": None, "de": "b"}, ("", "b")),
        ({"en": "a", "de": None}, ("a", "")),
        ({"en": None, "de": None}, None),
        ({"en": "a"}, None),
    ],
)
def test_a_null_side_is_an_empty_text_and_two_are_no_pair(record: dict[str, Any], pair: tuple[str, str] | None) -> None:
    assert pair_of(record, "en", "de") == pair
    assert pair_of(record, None, "de") is None


def test_texts_are_what_a_file_can_hold() -> None:
    assert [is_text(value) for value in ("", "é", None, "\ud800", 5)] == [True, True, True, False, False]
