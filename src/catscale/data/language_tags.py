"""Which text of a unit is meant by a language code, where files write `en`, `EN`, `en-US` or `en_GB`."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain


@lru_cache(maxsize=1024)  # a file repeats a few tags in every unit
def normalise(tag: str) -> str:
    """A tag in small letters with hyphens: `en_US` → `en-us`."""
    return tag.strip().replace("_", "-").lower()


def primary(tag: str) -> str:
    """The language without region or script: `en-US` → `en`."""
    return normalise(tag).partition("-")[0]


def matches(tag: str, language: str) -> bool:
    """Whether a tag is the language or a variant of it: `en-US` is `en`, `en` is no `en-US`."""
    tag, language = normalise(tag), normalise(language)
    return tag == language or tag.startswith(language + "-")


def choose_text(texts: Mapping[str, str], language: str) -> str | None:
    """The text of a language: under its own tag, else under the first variant of it, else none.

    Args:
        texts: Tag, as the file has it → text.
        language: As asked for.
    """
    if language in texts:
        return texts[language]
    exact = (text for tag, text in texts.items() if normalise(tag) == normalise(language))
    variants = (text for tag, text in texts.items() if matches(tag, language))
    return next(chain(exact, variants), None)
