"""The languages of the embedded corpus, and the number of pairs of each."""

import difflib
from collections.abc import Mapping

from babel import Locale, localedata

from catscale.errors import ConfigError

# Train pairs with English of the TED corpus (Qi et al. 2018), the four related pairs of languages known as TED-8.
TED8_RELATED = {
    "az": 5_900,
    "be": 4_500,
    "gl": 10_000,
    "sk": 61_500,
    "cs": 103_000,
    "tr": 182_000,
    "pt": 185_000,
    "ru": 208_000,
}
DEFAULT_SIZE = 20_000  # of a language that is not in TED-8 and comes without a count


def parse_languages(text: str) -> dict[str, int]:
    """Read a list of languages, each with its full-size count of pairs or without.

    >>> parse_languages("az, ru=1000, sw")
    {'az': 5900, 'ru': 1000, 'sw': 20000}

    Raises:
        ConfigError: If a language is unknown, twice there, or its count is not a positive whole number.
    """
    languages: dict[str, int] = {}
    for item in text.split(","):
        name, given, count = (part.strip() for part in item.partition("="))
        code = find_language(name)
        if code in languages:
            raise ConfigError(f"language {code!r} is listed twice in {text!r}; leave one out")
        if given and not (count.isdecimal() and int(count) > 0):
            raise ConfigError(
                f"the count of language {code!r} must be a positive whole number, found {count!r}; "
                "write it as in sw=20000"
            )
        languages[code] = int(count) if given else TED8_RELATED.get(code, DEFAULT_SIZE)
    return languages


def check_languages(languages: Mapping[str, int]) -> dict[str, int]:
    """Check codes and counts, and return them with the codes spelled as Babel spells them.

    Raises:
        ConfigError: If there is no language, a language is unknown, or a count is not positive.
    """
    if not languages:
        raise ConfigError("no languages are given; name at least one beside English, such as 'ru'")
    for code, count in languages.items():
        if count < 1:
            raise ConfigError(f"the count of language {code!r} must be at least 1, found {count}; raise it")
    return {find_language(code): count for code, count in languages.items()}


def find_language(code: str) -> str:
    """Look up a language code and return Babel's spelling: `pt-br` is `pt_BR`.

    Raises:
        ConfigError: If Babel has no such language, or if it is English.
    """
    found = localedata.normalize_locale(code.replace("-", "_"))
    if found is None or found == "root":
        raise ConfigError(
            f"language {code!r} is not in the CLDR; {_suggest(code)}"
            "give a code such as 'sw' or 'pt_BR' (`pybabel --list-locales` lists them)"
        )
    if found.split("_")[0] == "en":
        raise ConfigError(f"language {code!r} is English, the other side of every pair; name other languages")
    return str(found)


def _suggest(code: str) -> str:
    """Name the codes nearest to an unknown one, by the code or by the English name of the language."""
    codes = sorted(name for name in localedata.locale_identifiers() if "_" not in name and name not in ("en", "root"))
    names = Locale("en").languages
    spellings = {name: name for name in codes} | {names[name].lower(): name for name in codes if name in names}
    near = [spellings[match] for match in difflib.get_close_matches(code.lower(), list(spellings), 3, 0.6)]
    listed = ", ".join(f"{name!r} ({names.get(name, name)})" for name in dict.fromkeys(near))
    return f"did you mean {listed}? " if listed else ""
