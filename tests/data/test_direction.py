import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data.direction import (
    LONGEST,
    Direction,
    LanguageNameError,
    check_direction,
    check_language,
    find_halves,
)
from catscale.errors import DataError

OUTSIDE = ["a/../../x", "..", ".", "/x", "a/b", "a\\b", "a\0", "a\n", "a b", " a", "é", "ａ", "а", "a\u200b", "[red]",
           "a.b", "~", "$HOME", "*", "\x1b[31m", "a" * (LONGEST + 1), "", "_a", "=1", "a:b"]  # fmt: skip


@pytest.mark.parametrize("code", OUTSIDE)
def test_a_code_is_a_name(code):
    with pytest.raises(LanguageNameError, match="a language's code has letters from A to Z, digits, _ and -, begins"):
        check_language(code)
    with pytest.raises(DataError, match=r"a language's code has|two language codes joined by a hyphen"):
        Direction.parse(f"en-{code}")
    with pytest.raises(ValueError, match="a language's code has letters from A to Z, digits and _, begins"):
        Direction(code, "en")
    with pytest.raises(ValueError, match="a language's code has"):
        Direction("en", code)


@pytest.mark.parametrize("code", ["en", "no", "pt_BR", "zh_Hans", "x1", "EN", "419", "a" * LONGEST])
def test_codes(code):
    assert check_language(code) == code
    assert str(Direction.parse(f"{code}-de")) == check_direction(f"{code}-de") == f"{code}-de"


def test_a_hyphen_is_written_and_joins():
    assert check_language("zh-CN") == "zh-CN"
    with pytest.raises(ValueError, match=r"joined by a hyphen, as in en-az; found 'en-zh-CN'"):
        Direction.parse("en-zh-CN")
    with pytest.raises(ValueError, match="digits and _"):
        Direction("zh-CN", "en")


@pytest.mark.parametrize("text", ["", "en", "-en", "en-", "en-en", "en--az", "-", "x" * 10_000])
def test_what_is_no_direction(text):
    with pytest.raises(ValueError, match="two language codes joined by a hyphen") as error:
        Direction.parse(text)
    assert len(str(error.value)) < 200


@given(st.text())
def test_what_is_accepted_is_one_safe_name_of_a_file(text):
    try:
        direction = Direction.parse(text)
    except LanguageNameError:
        return
    assert re.fullmatch(r"[A-Za-z0-9_]{1,32}-[A-Za-z0-9_]{1,32}", str(direction))


def test_a_direction_s_own_random_numbers_follow_from_its_name() -> None:
    assert Direction("en", "az").random_key == 2963970151  # of version 0.1: its runs go on as they began
    assert Direction("az", "en").random_key != Direction("en", "az").random_key


def test_halves_meet_in_the_first_language_that_both_have_or_in_none() -> None:
    known = [Direction.parse(name) for name in ("az-en", "az-tr", "az-de", "tr-fr", "en-fr", "be-fr")]
    assert find_halves(Direction("az", "fr"), known) == (Direction("az", "en"), Direction("en", "fr"))
    assert find_halves(Direction("az", "be"), known) is None
    assert find_halves(Direction("az", "fr"), [known[2], known[5]]) is None
