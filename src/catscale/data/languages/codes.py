"""Codes of languages: which names are codes at all, how they are written here, and how two of them make a direction.

A direction is two codes joined by a hyphen, so a code has none of its own: `pt-BR` is written `pt_BR` here, whatever
the files have. What is known of languages is what the CLDR knows, which has ISO 639-1, -2 and -3.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache
from itertools import product

from catscale.data.direction import Direction
from catscale.errors import DataError

PARTS = re.compile("[-_]")
SPECIAL = {"und", "mul", "zxx", "mis", "root"}  # ISO 639's codes for what is no one language
COLLECTIVE = {"ber", "bih", "nah"}  # of ISO 639-2, used for languages by corpora, which the CLDR lacks


def underscored(code: str) -> str:
    """Return the code as it is written here.

    Example:
        >>> underscored("zh-Hant-TW")
        'zh_Hant_TW'
    """
    return code.replace("-", "_")


def spellings(code: str) -> list[str]:
    """Return the ways in which files may write a code, as it is first.

    Example:
        >>> spellings("pt_BR"), spellings("en")
        (['pt_BR', 'pt-BR'], ['en'])
    """
    parts = PARTS.split(code)
    joined = [
        "".join(part + mark for part, mark in zip(parts, (*marks, ""), strict=True))
        for marks in product("_-", repeat=len(parts) - 1)
    ]
    return list(dict.fromkeys([code, *joined]))


def choose_name(names: Collection[str], code: str, place: object) -> str | None:
    """Return the name that a code has among those of a file, or None.

    Args:
        names: Columns or keys.
        code: The code as written here, or exactly as in the file if it has a hyphen.
        place: The file, for messages.

    Raises:
        DataError: If two of the names are the same code.
    """
    if "-" in code and code in names:
        return code
    found = [name for name in spellings(code) if name in names]
    if len(found) > 1:
        raise DataError(explain_same(found, place))
    return found[0] if found else None


def explain_same(names: Iterable[str], place: object, code: str | None = None) -> str:
    """Return the message about names that become one code."""
    first, *others = sorted(names)
    return (
        f"{place} has {' and '.join([first, *others])}, the same code here "
        f"({code or underscored(first)}: a hyphen becomes an underscore); rename one, or say which is meant, as in "
        f"data.language_codes: {{xx: {first}}}"
    )


@cache
def is_language(code: str) -> bool:
    """Return whether a name is the code of a language that the CLDR or ISO 639 knows, perhaps with script, region or
    variant.

    Private codes (`qaa`, `x-klingon`) and those for several languages (`mul`) are none.

    Example:
        >>> [is_language(code) for code in ("az", "aze", "iw", "zh-Hant", "pt_BR", "domain", "en_score", "qaa", "xx")]
        [True, True, True, True, True, False, False, False, False]
    """
    first, *rest = PARTS.split(code)
    if first.lower() not in _languages() or first.lower() in SPECIAL:
        return False
    scripts, regions, variants = _subtags()
    kinds = "".join(
        "s" if part.title() in scripts else "r" if part.upper() in regions else "v" if part.lower() in variants else "?"
        for part in rest
    )
    return re.fullmatch("s?r?v*", kinds) is not None


@cache
def _languages() -> frozenset[str]:
    from babel import Locale
    from babel.core import get_global

    likely = {tag.split("_")[0] for tag in get_global("likely_subtags")}
    aliases = {tag for tag in get_global("language_aliases") if PARTS.search(tag) is None}
    return frozenset(likely | aliases | {tag for tag in Locale("en").languages if "_" not in tag} | COLLECTIVE)


@cache
def _subtags() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the scripts, regions and variants that there are."""
    from babel import Locale

    english = Locale("en")
    regions = frozenset({*english.territories, "XX"})
    return frozenset(english.scripts), regions, frozenset({*map(str.lower, english.variants), "latin", "cyrillic"})


@cache
def base_language(code: str) -> str:
    """Return the language of a code in the CLDR's own code, for codes that are the same language.

    Example:
        >>> base_language("aze"), base_language("iw"), base_language("pt_BR"), base_language("cmn")
        ('az', 'he', 'pt', 'zh')
    """
    from babel.core import get_global

    first = PARTS.split(code)[0].lower()
    return str(get_global("language_aliases").get(first, first)).split("_")[0]


@cache
def three_letters(code: str) -> str:
    """Return the code of ISO 639-3 or -2 for a language, where it is known; the code's own language otherwise.

    Example:
        >>> three_letters("gl"), three_letters("zh_Hant"), three_letters("tyv"), three_letters("xx")
        ('glg', 'zho', 'tyv', 'xx')
    """
    from babel.core import get_global

    first = PARTS.split(code)[0].lower()
    aliases = get_global("language_aliases")
    found = [name for name, meant in aliases.items() if meant == first and len(name) == 3 and name.isalpha()]
    if len(first) != 2 or not found:
        return first
    # of several, as for Estonian, the one that is written with both letters
    return str(
        min(found, key=lambda name: (not (name[0] == first[0] and first[1] in name[1:]), name[0] != first[0], name))
    )


@cache
def likely_script(code: str) -> str | None:
    """Return the script that a code names, or in which its language is mostly written; None where it is not known.

    Example:
        >>> likely_script("tyv"), likely_script("zh_Hant"), likely_script("xx")
        ('Cyrl', 'Hant', None)
    """
    from babel.core import get_global

    scripts = [part.title() for part in PARTS.split(code)[1:] if part.title() in _subtags()[0]]
    likely = get_global("likely_subtags").get(base_language(code))
    return scripts[0] if scripts else None if likely is None else str(likely).split("_")[1]


@cache
def name_language(code: str) -> str:
    """Return a language's English name, or that it is one of ISO 639-3 if the CLDR has no name for it."""
    from babel import Locale

    names = Locale("en").languages
    first = PARTS.split(code)[0].lower()
    return str(names.get(first) or names.get(base_language(code)) or "a language in ISO 639-3")


def parse_direction(text: str) -> Direction:
    """Read a direction whose codes may have hyphens: `en-pt-BR` is from `en` to `pt_BR`.

    Raises:
        ValueError: If it is none, or may be read in two ways.
    """
    if text.count("-") <= 1:
        return Direction.parse(text)
    parts = text.split("-")
    cuts = [("-".join(parts[:n]), "-".join(parts[n:])) for n in range(1, len(parts))]
    found = best_cuts(cuts)
    if len(found) != 1:
        ways = " or ".join("-".join(map(underscored, pair)) for pair in (found or cuts)[:4])
        raise ValueError(
            f"{text!r} may be read in several ways: a hyphen joins the two codes of a direction, and becomes an "
            f"underscore within a code; write {ways}"
        )
    return Direction.parse("-".join(map(underscored, found[0])))


def best_cuts(cuts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the likeliest readings of two joined codes: two known languages, in the usual case of letters.

    Of these those in whose regions the language is official: `en-pt-br` is not English of Portugal and Breton.
    """
    known = [pair for pair in cuts if pair[0] != pair[1] and all(map(is_language, pair))]
    if not known:
        return []
    least = min(map(_oddity, known))
    return [pair for pair in known if _oddity(pair) == least]


def _oddity(pair: tuple[str, str]) -> tuple[int, int]:
    """Count the parts in an unusual case of letters, and the unusual regions."""
    unusual_case = unusual_region = 0
    for code in pair:
        first, *rest = PARTS.split(code)
        unusual_case += first != first.lower()
        for part in rest:
            if len(part) == 2:
                unusual_case += part != part.upper()
                unusual_region += not _is_official(first, part)
    return unusual_case, unusual_region


def _is_official(language: str, region: str) -> bool:
    from babel.languages import get_official_languages

    return base_language(language) in get_official_languages(region.upper(), de_facto=True)
