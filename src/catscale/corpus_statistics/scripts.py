"""The Unicode scripts that a language is written in, from the CLDR's likely subtags."""

from collections import defaultdict
from functools import cache

import regex
from babel.core import get_global

# ISO 15924 codes of writing systems that are several Unicode scripts, or a variant of one
UNICODE = {
    "Jpan": ("Hani", "Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
    "Hans": ("Hani",),
    "Hant": ("Hani",),
    "Hanb": ("Bopo", "Hani"),
    "Hrkt": ("Hira", "Kana"),
    "Aran": ("Arab",),
    "Latf": ("Latn",),
    "Latg": ("Latn",),
}


@cache
def find_expected_scripts(language: str) -> tuple[str, ...]:
    """Return the Unicode scripts of a language: those that the CLDR holds likely for it, in whichever territory.

    A language of several scripts has all of them (sr, uz, az); a script in the code decides alone (`srp_Latn`).
    ISO 639-3 codes and withdrawn ones are understood; a territory does not matter.

    Returns:
        ISO 15924 codes, sorted; empty for a language that the CLDR does not know.

    Example:
        >>> [find_expected_scripts(language) for language in ("ja", "aze", "zh_Hant", "xx")]
        [('Hani', 'Hira', 'Kana'), ('Arab', 'Cyrl', 'Latn'), ('Hani',), ()]
    """
    first, *rest = language.replace("-", "_").split("_")
    named = {part.title() for part in rest if len(part) == 4 and part.isalpha()}
    return tuple(sorted({one for script in named or _likely(first) for one in UNICODE.get(script, (script,))}))


def _likely(code: str) -> set[str]:
    """Return the scripts in the CLDR's entries of a language, which have the form `az_IR` → `az_Arab_IR`."""
    language = get_global("language_aliases").get(code.lower(), code.lower()).split("_")[0]
    return {script for script in _scripts_by_language()[language] if script in UNICODE or _is_unicode(script)}


@cache
def _scripts_by_language() -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for short, full in get_global("likely_subtags").items():
        found[short.split("_")[0]].add(full.split("_")[1])
    return found


def _is_unicode(script: str) -> bool:
    try:
        regex.compile(rf"\p{{Script={script}}}")
    except regex.error:
        return False
    return True
