import pytest
from babel.core import get_global

from catscale.corpus_statistics.scripts import find_expected_scripts


@pytest.mark.parametrize(
    ("language", "scripts"),
    [
        ("en", {"Latn", "Shaw"}),
        ("ru", {"Cyrl"}),
        ("ja", {"Hani", "Hira", "Kana"}),
        ("ko", {"Hang", "Hani"}),
        ("hi", {"Deva"}),  # CLDR has hi_Latn as a locale, but no territory where it is likely
        ("sr", {"Cyrl", "Latn"}),
        ("uz", {"Arab", "Cyrl", "Latn"}),
        ("az", {"Arab", "Cyrl", "Latn"}),
        ("zh", {"Bopo", "Hani"}),
        ("zh_Hant", {"Hani"}),
        ("zh_cn", {"Bopo", "Hani"}),
        ("pt_BR", {"Latn"}),
        ("aze", {"Arab", "Cyrl", "Latn"}),
        ("ell", {"Grek"}),
        ("sh", {"Cyrl", "Latn"}),
        ("iw", {"Hebr"}),
        ("srp_Latn", {"Latn"}),
        ("ur_Aran", {"Arab"}),
        ("xx", set()),
        ("und", None),
    ],
)
def test_scripts_of_a_language(language, scripts):
    found = find_expected_scripts(language)
    assert found == tuple(sorted(found))
    if scripts is not None:
        assert set(found) == scripts


def test_every_language_of_the_cldr_has_scripts_that_unicode_knows():
    languages = {entry.split("_")[0] for entry in get_global("likely_subtags")} - {"und"}
    without = {language for language in languages if not find_expected_scripts(language)}
    assert len(languages) > 5000
    assert len(without) < 20, without
