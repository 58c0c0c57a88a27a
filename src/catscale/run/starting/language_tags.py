"""The tags of a pre-trained model's folder for the languages of some text: found, doubtful, or to be added."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catscale.data.languages.codes import base_language, likely_script, three_letters
from catscale.data.languages.countries import share_countries
from catscale.vocabulary.pretrained.content import list_tags
from catscale.vocabulary.pretrained.folder import BaseFolder
from catscale.vocabulary.pretrained.tags import code_of, default_tag, is_tag, list_fitting


@dataclass(frozen=True)
class ChosenTags:
    """The tags of some languages.

    Attributes:
        known: Code → tag of the folder.
        others: Code → further tags of the folder that it may mean.
        new: Code → tag that is to be added.
        relatives: Code of a new language → tags of the folder in the same script, or all where there are none, those of
            languages of the same countries first.
    """

    known: dict[str, str]
    others: dict[str, list[str]]
    new: dict[str, str]
    relatives: dict[str, list[str]]


def read_tags(folder: Path) -> tuple[str, ...]:
    """Return the tags of a pre-trained model's folder.

    Raises:
        ConfigError: If the folder is missing or has no tokenizer.
        DataError: If its tokenizer cannot be used.
    """
    return tuple(tag for tag in list_tags(BaseFolder(folder).content) if is_tag(tag))


def choose_tags(languages: Sequence[str], tags: Sequence[str]) -> ChosenTags:
    """Choose a tag of a folder for each language, or a new one where none fits.

    Args:
        languages: Codes of the data.
        tags: The folder's tags.
    """
    fitting = {language: list_fitting(language, tags) for language in languages}
    known, others, new = dict[str, str](), dict[str, list[str]](), dict[str, str]()
    for language, found in fitting.items():
        free = [tag for tag in found if tag not in known.values()]
        if free:
            known[language] = free[0]
            others |= {language: free[1:]} if len(free) > 1 else {}
        else:
            new[language] = default_tag(language, tags) or guess_tag(language)
    return ChosenTags(known, others, new, {language: _of_script(tag, tags) for language, tag in new.items()})


def guess_tag(language: str) -> str:
    """Return the tag that NLLB would give a language: three letters and the script in which it is mostly written.

    Example:
        >>> guess_tag("tyv"), guess_tag("gl"), guess_tag("zh_Hant"), guess_tag("xx")
        ('tyv_Cyrl', 'glg_Latn', 'zho_Hant', 'xx_Latn')
    """
    return f"{three_letters(language)}_{likely_script(language) or 'Latn'}"


def _of_script(tag: str, tags: Sequence[str]) -> list[str]:
    """Return the tags of the same script: those of the same language, then those of the same countries first."""
    codes = {each: code_of(each) for each in tags}
    ours, script = code_of(tag), likely_script(code_of(tag))
    found = [each for each in tags if likely_script(codes[each]) == script] or list(tags)
    language = base_language(ours)
    return sorted(found, key=lambda each: (base_language(codes[each]) != language, -share_countries(ours, codes[each])))
