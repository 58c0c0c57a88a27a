import pytest

from catscale.recipes.count import compare
from catscale.recipes.recipe import Expected

EXPECTED = Expected(source="a table", pairs={"kk": 100_000, "de": 27_800_000}, rounding=50_000, tolerance=10)


@pytest.mark.parametrize(
    ("language", "found", "difference", "is_off"),
    [
        ("kk", 100_000, 0.0, False),
        ("kk", 149_999, 0.0, False),  # which the table would have rounded to 0.1 M as well
        ("kk", 50_001, 0.0, False),
        ("kk", 165_000, 15.0, True),
        ("kk", 30_000, -20.0, True),
        ("de", 38_970_000, 40.0, True),
    ],
)
def test_differences_begin_beyond_the_rounding(language, found, difference, is_off):
    count = compare(language, {"train": found, "dev": 3}, EXPECTED)
    assert count.difference == pytest.approx(difference)
    assert (count.is_off, count.dev, count.test) == (is_off, 3, 0)


def test_a_language_without_a_published_number():
    count = compare("xx", {"train": 5}, EXPECTED)
    assert (count.expected, count.difference, count.is_off) == (None, None, False)
