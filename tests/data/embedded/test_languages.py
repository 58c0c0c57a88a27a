"""The languages of the embedded corpus, their counts and the refusal of others."""

import pytest

from catscale.data.embedded.languages import (
    DEFAULT_SIZE,
    TED8_RELATED,
    check_languages,
    find_language,
    parse_languages,
)
from catscale.errors import ConfigError


def test_parse_languages() -> None:
    assert parse_languages("az, ru = 1000 ,sw") == {"az": 5_900, "ru": 1_000, "sw": DEFAULT_SIZE}
    assert parse_languages("PT-br") == {"pt_BR": DEFAULT_SIZE}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("swahili", r"language 'swahili' is not in the CLDR; did you mean 'sw' \(Swahili\)"),
        ("ruu=5", r"language 'ruu' is not in the CLDR; did you mean 'ru' \(Russian\)"),
        ("az,,ru", r"language '' is not in the CLDR; give a code"),
        ("root", r"language 'root' is not in the CLDR"),
        ("az,en_GB", r"language 'en_GB' is English, the other side of every pair; name other"),
        ("ru,az,ru=5", r"language 'ru' is listed twice in 'ru,az,ru=5'; leave one out"),
        ("ru=many", r"count of language 'ru' must be a positive whole number, found 'many'; write"),
        ("ru=", r"found ''; write"),
        ("ru=-3", r"found '-3'; write"),
    ],
)
def test_parse_languages_refuses(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_languages(text)


@pytest.mark.parametrize(
    ("written", "code"), [("pt-br", "pt_BR"), ("PT_BR", "pt_BR"), ("zh-hans", "zh_Hans"), ("RU", "ru")]
)
def test_a_code_is_spelled_as_babel_spells_it(written: str, code: str) -> None:
    assert find_language(written) == code


def test_checked_languages_keep_their_counts() -> None:
    assert check_languages({"pt-br": 7, "sw": 1}) == {"pt_BR": 7, "sw": 1}
    with pytest.raises(ConfigError, match=r"no languages are given; name at least one"):
        check_languages({})
    with pytest.raises(ConfigError, match=r"count of language 'ru' must be at least 1, found 0"):
        check_languages({"ru": 0})


def test_the_default_languages_are_four_related_pairs() -> None:
    """Each small language of TED-8 has a large relative beside it."""
    for small, large in (("az", "tr"), ("be", "ru"), ("gl", "pt"), ("sk", "cs")):
        assert TED8_RELATED[small] < TED8_RELATED[large]
    assert len(TED8_RELATED) == 8
