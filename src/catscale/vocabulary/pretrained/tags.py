"""The tags of languages: how they are written, and which one a code of ours means.

NLLB writes `eng_Latn` (ISO 639-3 and the script), M2M-100 and catscale `__en__`.
"""

import re
from collections.abc import Mapping, Sequence

from catscale.errors import ConfigError
from catscale.system.named import suggest_nearest
from catscale.vocabulary.huggingface import tag_of

SCRIPTED = re.compile(r"[a-z]{2,3}_[A-Z][a-z]{3}")
UNDERSCORED = re.compile(r"__(\w+?)__")
SUBTAGS = re.compile(r"[A-Za-z]{2,3}([-_]([A-Za-z]{4}|[A-Za-z]{2}|[0-9]{3}))*")
"""A code of a language, with a script or a region."""
SHOWN = 6
"""Tags that a message names at most, where there are many."""


def is_tag(token: str) -> bool:
    """Return whether a token is written as the tag of a language.

    >>> [is_tag(token) for token in ("eng_Latn", "__en__", "<mask>", "▁the")]
    [True, True, False, False]
    """
    return SCRIPTED.fullmatch(token) is not None or UNDERSCORED.fullmatch(token) is not None


def code_of(tag: str) -> str:
    """Return the code that a tag is written with.

    >>> code_of("__pt_BR__"), code_of("eng_Latn")
    ('pt_BR', 'eng_Latn')
    """
    found = UNDERSCORED.fullmatch(tag)
    return tag if found is None else found[1]


def default_tag(language: str, tags: Sequence[str]) -> str | None:
    """Return the tag of a new language where its form is known: the code itself if it is written as a tag, or
    `__code__` if all tags of the folder are; None otherwise.

    >>> default_tag("tyv_Cyrl", ["eng_Latn"]), default_tag("gl", ["__en__"]), default_tag("tyv", ["eng_Latn"])
    ('tyv_Cyrl', '__gl__', None)
    """
    if tags and all(UNDERSCORED.fullmatch(tag) for tag in tags):
        return tag_of(language)
    return language if is_tag(language) else None


def find_tag(name: str, tags: Sequence[str], given: Mapping[str, str]) -> str:
    """Return the folder's tag that a name means: a tag, a code that is given one, or one that fits a tag alone.

    Returns:
        The tag; the name itself where it means none.
    """
    if name in tags or name in given:
        return given.get(name, name)
    fitting = [tag for tag in tags if SUBTAGS.fullmatch(name) and _fits(name, code_of(tag))]
    return fitting[0] if len(fitting) == 1 else name


def choose_tags(languages: Sequence[str], tags: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Find the tag of each language.

    Args:
        languages: Codes of ours.
        tags: The folder's tags.
        given: Code → tag, as the configuration has it.

    Returns:
        Code → tag, in the order of the languages.

    Raises:
        ConfigError: If a code fits no tag or several, or two codes have one.
    """
    check_given(tags, given)
    chosen = {language: given.get(language) or _find(language, tags) for language in languages}
    by_tag: dict[str, str] = {}
    for language, tag in chosen.items():
        if (other := by_tag.setdefault(tag, language)) != language:
            raise ConfigError(
                f"model.languages: {other} and {language} have one tag, {tag}; give them one code in the data "
                f"(data.language_codes), or one of them another tag: languages: {{{language}: …}}, or a new one with "
                "new_languages"
            )
    return chosen


def check_given(tags: Sequence[str], given: Mapping[str, str]) -> None:
    """Refuse tags that the folder does not have.

    Raises:
        ConfigError: If there is one, naming the nearest.
    """
    for language, tag in given.items():
        if tag not in tags:
            raise ConfigError(
                f"model.languages.{language}: the folder has no tag {tag!r}; {suggest_tags(tag, tags)}; to add a "
                f"language, write new_languages: {{{language}: {{tag: {tag}}}}}"
            )


def list_fitting(language: str, tags: Sequence[str]) -> list[str]:
    """Return the tags that a code may mean: the one that is written with it, or else those of its language and script.

    >>> list_fitting("zh", ["eng_Latn", "zho_Hans", "zho_Hant"]), list_fitting("en", ["__en__", "__fr__"])
    (['zho_Hans', 'zho_Hant'], ['__en__'])
    """
    exact = [tag for tag in tags if language in (tag, code_of(tag))]
    return exact or [tag for tag in tags if _fits(language, code_of(tag))]


def _find(language: str, tags: Sequence[str]) -> str:
    """Return the one tag that a code fits."""
    found = list_fitting(language, tags)
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(
            f"model.languages: the code {language} fits {len(found)} tags of the folder, {', '.join(found)}; say which "
            f"is meant, as in languages: {{{language}: {found[0]}}}"
        )
    raise ConfigError(
        f"model.languages: no tag of the folder fits the code {language}; {suggest_tags(language, tags)}; name one, as "
        f"in languages: {{{language}: TAG}}, or add it: new_languages: {{{language}: {{tag: TAG, like: TAG}}}}"
    )


def _fits(language: str, code: str) -> bool:
    """Return whether two codes are of one language, and of one script where both name one."""
    ours, theirs = _parts(language), _parts(code)
    return ours[0] == theirs[0] and (ours[1] == theirs[1] or "" in (ours[1], theirs[1]))


def _parts(code: str) -> tuple[str, str]:
    """Return the language of a code, in the CLDR's own, and its script; empty where the code tells none.

    >>> _parts("eng_Latn"), _parts("zh_TW"), _parts("pt_BR"), _parts("arb")
    (('en', 'Latn'), ('zh', 'Hant'), ('pt', ''), ('ar', ''))
    """
    from babel.core import get_global

    first, *rest = re.split("[-_]", code)
    language = str(get_global("language_aliases").get(first.lower(), first.lower())).split("_")[0]
    script = next((part.title() for part in rest if len(part) == 4 and part.isalpha()), "")
    if rest and not script:  # a region may tell the script
        likely = get_global("likely_subtags").get(f"{language}_{rest[0].upper()}", "")
        script = next((part for part in str(likely).split("_") if len(part) == 4), "")
    return language, script


def suggest_tags(name: str, tags: Sequence[str]) -> str:
    """Name the nearest tags of a folder, or all where there are few, for a message.

    >>> suggest_tags("eng_Lat", ["eng_Latn", "zho_Hans"])
    'it has eng_Latn, zho_Hans'
    """
    if len(tags) <= SHOWN:
        return f"it has {', '.join(tags)}"
    alike = [tag for tag in tags if tag[:2].lower() == name.strip("_")[:2].lower()][:SHOWN]
    listed = f"tags that begin alike: {', '.join(alike)}; " if alike else ""
    return f"{suggest_nearest(name, tags)}{listed}it has {len(tags)} tags, such as {', '.join(tags[:SHOWN])}"
