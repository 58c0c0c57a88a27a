"""The countries in which a language is spoken, as the CLDR has them."""

from functools import cache

from catscale.data.languages.codes import base_language


@cache
def list_countries(code: str) -> frozenset[str]:
    """Return the countries and regions in which a language is spoken, those that the CLDR counts speakers of.

    Example:
        >>> sorted(list_countries("glg")), sorted(list_countries("xx"))
        (['ES', 'PT'], [])
    """
    return _all_countries().get(base_language(code), frozenset())


def share_countries(one: str, other: str) -> float:
    """Return the share of the countries of either of two languages in which both are spoken, from 0 to 1.

    Neighbours are no relatives, but relatives are mostly neighbours.

    Example:
        >>> share_countries("be", "uk") > share_countries("be", "ru") > share_countries("be", "zu") == 0
        True
    """
    ours, theirs = list_countries(one), list_countries(other)
    return len(ours & theirs) / max(1, len(ours | theirs))


@cache
def _all_countries() -> dict[str, frozenset[str]]:
    from babel.core import get_global

    found: dict[str, set[str]] = {}
    for country, languages in get_global("territory_languages").items():
        for language in languages:
            found.setdefault(base_language(language), set()).add(country)
    return {language: frozenset(countries) for language, countries in found.items()}
