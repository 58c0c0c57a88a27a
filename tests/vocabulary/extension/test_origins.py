"""The rows that new ones start from."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.vocabulary.extension import RowOrigins
from catscale.vocabulary.extension.origins import find_relative

BASES = st.lists(st.integers(0, 6), max_size=3).map(tuple)


@given(st.lists(BASES, max_size=12), st.sets(st.integers(0, 11)))
def test_a_table_comes_back_from_json(bases, noisy):
    rows = RowOrigins(tuple(bases), frozenset(number for number in noisy if number < len(bases)))
    assert RowOrigins.from_json(json.loads(json.dumps(rows.to_json()))) == rows


def test_old_rows_are_few_words():
    assert RowOrigins.unchanged(250_000).to_json() == {"runs": [[0, 250_000, 0]], "others": {}, "noisy": []}


def test_a_table_with_a_gap_is_none():
    with pytest.raises(ValueError, match="one entry for each id"):
        RowOrigins.from_json({"runs": [[0, 3, 0]], "others": {"4": [1]}, "noisy": []})
    with pytest.raises(ValueError, match="one entry for each id"):
        RowOrigins.from_json({"runs": [[0, 3, 0]], "others": {}, "noisy": [3]})


def test_rows_that_equal_others_get_noise():
    rows = RowOrigins.extended(4, [(0, 1), (1, 0), (2,), (1, 2), (), ()])
    assert rows.bases == ((0,), (1,), (2,), (3,), (0, 1), (1, 0), (2,), (1, 2), (), ())
    assert rows.noisy == {4, 5, 6, 8, 9}


def test_some_rows_are_selected():
    rows = RowOrigins.extended(3, [(0,), (1, 2)]).select([0, 2, 3, 4])
    assert rows == RowOrigins(((0,), (2,), (0,), (1, 2)), frozenset({2}))


@pytest.mark.parametrize(
    ("character", "known", "expected"),
    [
        ("Ş", "şs", "ş"),
        ("ş", "sS", "s"),
        ("Ş", "s", "s"),
        ("ş", "t", None),
        ("ß", "s", None),
        ("\u0301", "a", None),
        ("\ue000", "a", None),
    ],
)
def test_a_character_resembles_its_other_case_or_its_plain_letter(character, known, expected):
    assert find_relative(character, set(known)) == expected
