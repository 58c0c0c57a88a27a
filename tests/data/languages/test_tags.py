import pytest

from catscale.data.languages.tags import choose_text, matches, primary


@pytest.mark.parametrize(
    ("tag", "language", "expected"),
    [
        ("en", "en", True), ("EN", "en", True), ("en-US", "en", True), ("en_us", "EN-US", True), (" en ", "en", True),
        ("en", "en-US", False), ("eng", "en", False), ("en-GB", "en-US", False), ("zh-Hant-TW", "zh-hant", True),
    ],
)  # fmt: skip
def test_matches(tag, language, expected):
    assert matches(tag, language) is expected


def test_primary():
    assert [primary(tag) for tag in ("en", "EN-us", "zh_Hant_TW")] == ["en", "en", "zh"]


def test_the_own_tag_goes_before_a_variant_and_an_empty_text_is_one():
    assert choose_text({"en-US": "a", "EN": ""}, "en") == ""
    assert choose_text({"en-US": "a", "en-GB": "b"}, "en") == "a"
    assert choose_text({"de": "a"}, "en") is None
