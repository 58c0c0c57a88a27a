"""The choice of the text of a unit that a language code means, where files write `en`, `EN`, `en-US` or `en_GB`."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain


@lru_cache(maxsize=1024)  # a file repeats a few tags in every unit
def normalise(tag: str) -> str:
    """Return a tag in small letters with hyphens: `en_US` → `en-us`."""
    return tag.strip().replace("_", "-").lower()


def primary(tag: str) -> str:
    """Return the language without region or script: `en-US` → `en`."""
    return normalise(tag).partition("-")[0]


def matches(tag: str, language: str) -> bool:
    """Return whether a tag is the language or a variant of it: `en-US` is `en`, `en` is no `en-US`."""
    tag, language = normalise(tag), normalise(language)
    return tag == language or tag.startswith(language + "-")


def conventional(tag: str) -> str:
    """Return a tag as a code of ours, in the usual case of letters: `PT-br` → `pt_BR`, `zh-hant` → `zh_Hant`."""
    first, *rest = normalise(tag).split("-")
    cased = (part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in rest)
    return "_".join([first, *cased])


def languages_among(groups: Iterable[frozenset[str]]) -> list[set[str]]:
    """Return the languages of units, without regions unless a unit has several variants of one, which then are
    separate.

    Args:
        groups: The tags that stand together in a unit.
    """
    found = {frozenset(map(normalise, group)) for group in groups}
    divided = {
        primary(tag) for group in found for tag in group if sum(primary(other) == primary(tag) for other in group) > 1
    }
    codes = {frozenset(conventional(t) if primary(t) in divided else primary(t) for t in group) for group in found}
    return [set(group) for group in codes]


def choose_text(texts: Mapping[str, str], language: str) -> str | None:
    """Return the text of a language: under its own tag, else under the first variant of it, else None.

    Args:
        texts: Tag, as the file has it → text.
        language: The language as requested.
    """
    if language in texts:
        return texts[language]
    exact = (text for tag, text in texts.items() if normalise(tag) == normalise(language))
    variants = (text for tag, text in texts.items() if matches(tag, language))
    return next(chain(exact, variants), None)
