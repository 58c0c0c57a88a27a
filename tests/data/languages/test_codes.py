import pytest
from babel import Locale

from catscale.data.languages.codes import (
    base_language,
    choose_name,
    is_language,
    name_language,
    parse_direction,
    spellings,
    underscored,
)
from catscale.errors import DataError


@pytest.mark.parametrize(
    ("text", "source", "target"),
    [
        ("en-az", "en", "az"),
        ("en-pt-BR", "en", "pt_BR"),
        ("en-pt-br", "en", "pt_br"),
        ("pt-BR-en", "pt_BR", "en"),
        ("pt-PT-pt-BR", "pt_PT", "pt_BR"),
        ("en-zh-CN", "en", "zh_CN"),
        ("zh-Hant-TW-en", "zh_Hant_TW", "en"),
        ("sr-Latn-sr-Cyrl", "sr_Latn", "sr_Cyrl"),
        ("en_US-pt-BR", "en_US", "pt_BR"),
        ("qaa-en", "qaa", "en"),
    ],
)
def test_a_direction_of_codes_with_hyphens(text, source, target):
    direction = parse_direction(text)
    assert (direction.source, direction.target) == (source, target)
    assert parse_direction(str(direction)) == direction


@pytest.mark.parametrize("text", ["xx-yy-zz", "a-b-c-d", "en-qaa-qab"])
def test_a_direction_that_may_be_read_in_two_ways(text):
    with pytest.raises(ValueError, match=r"may be read in several ways: .* write .* or "):
        parse_direction(text)


def test_all_that_the_cldr_names_in_english_is_a_language():
    special = {"und", "mul", "zxx", "root"}
    assert [code for code in Locale("en").languages if not is_language(code)] == [
        code for code in Locale("en").languages if code in special
    ]


@pytest.mark.parametrize(
    "code", ["eng", "iw", "he", "aze", "EN", "srp_Latn", "zh-Hans", "es_419", "en_XX", "sr_latin", "ber"]
)
def test_codes(code):
    assert is_language(code)


@pytest.mark.parametrize(
    "name", ["domain", "talk_name", "en_score", "en_len", "de_text", "qaa", "x-en", "art-x-bork", "calv", "cn", "", "1"]
)
def test_names_that_are_no_codes(name):
    assert not is_language(name)


def test_codes_of_one_language():
    assert base_language("aze") == base_language("az-AZ") == "az"
    assert base_language("iw") == base_language("heb") == "he"
    assert (name_language("aze"), name_language("id"), name_language("pt-BR")) == (
        "Azerbaijani",
        "Indonesian",
        "Portuguese",
    )


def test_spellings_and_the_name_in_a_file():
    assert spellings("zh_Hant_TW") == ["zh_Hant_TW", "zh_Hant-TW", "zh-Hant_TW", "zh-Hant-TW"]
    assert all(underscored(name) == "zh_Hant_TW" for name in spellings("zh_Hant_TW"))
    assert choose_name({"en", "pt-BR"}, "pt_BR", "f") == "pt-BR"
    assert choose_name({"en", "pt-BR", "pt_BR"}, "pt-BR", "f") == "pt-BR"
    assert choose_name({"en"}, "pt_BR", "f") is None
    with pytest.raises(DataError, match=r"f has pt-BR and pt_BR, the same code here .*language_codes: \{xx: pt-BR\}"):
        choose_name({"en", "pt-BR", "pt_BR"}, "pt_BR", "f")
