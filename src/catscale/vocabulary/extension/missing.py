"""The characters of a text that a tokenizer lacks, and so reads and writes as `<unk>`."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catscale.system.console.numbers import show_share
from catscale.vocabulary.extension.content import BpeContent, Content
from catscale.vocabulary.extension.words import read_words

Lines = Mapping[str, Iterable[str]]
"""Language → lines of it."""
UNWRITABLE = ("Cc", "Cs", "Cn", "Zl", "Zp")
"""Categories of characters that get no piece: controls, halves of others, unassigned ones and separators of lines."""
SHOWN = 12


@dataclass(frozen=True)
class MissingCharacters:
    """The missing characters of one language.

    Attributes:
        characters: Character → how often it occurs, the most frequent first.
        of_characters: Share of the text's characters, white space aside, that are missing ones.
        of_lines: Share of the lines that have one at least.
    """

    characters: Mapping[str, int]
    of_characters: float
    of_lines: float

    @property
    def addable(self) -> tuple[str, ...]:
        """The characters among them that can be given a piece."""
        return tuple(one for one in self.characters if unicodedata.category(one) not in UNWRITABLE)

    def __str__(self) -> str:
        """Return a line for the terminal."""
        if not self.characters:
            return "no character is missing"
        number = len(self.characters)
        shown = " ".join(one if one.isprintable() else f"U+{ord(one):04X}" for one in [*self.characters][:SHOWN])
        more = f" and {number - SHOWN:,} more" if number > SHOWN else ""
        are = "1 character is" if number == 1 else f"{number:,} characters are"
        return (
            f"{are} missing ({shown}{more}): {show_share(self.of_characters)} of its characters, in "
            f"{show_share(self.of_lines)} of its lines"
        )


def find_missing(content: Content, lines: Lines) -> dict[str, MissingCharacters]:
    """Find the characters that become `<unk>`, per language.

    A BPE model begins with single characters, so that a character is unknown wherever it stands if it is no piece, and
    nowhere if it is one; at the start of a word it is cut from the `▁` before it. Characters are those after the
    tokenizer's own normalisation.

    Args:
        content: The content of a `tokenizer.json`.
        lines: Lines per language.

    Raises:
        DataError: If the content cannot be extended.
    """
    parts = BpeContent(content)
    return {language: _find(parts, text) for language, text in lines.items()}


def union_of(missing: Iterable[MissingCharacters]) -> tuple[str, ...]:
    """Return the characters to add for several languages, the most frequent first."""
    counts: Counter[str] = Counter()
    for one in missing:
        counts.update({character: one.characters[character] for character in one.addable})
    return tuple(sorted(counts, key=lambda character: (-counts[character], character)))


def _find(parts: BpeContent, lines: Iterable[str]) -> MissingCharacters:
    counts: Counter[str] = Counter()
    total = hit = length = 0
    for words in read_words(parts.tokenizer, lines):
        text = "".join(words)
        absent = [character for character in text if character not in parts.ids]
        counts.update(absent)
        total, hit, length = total + 1, hit + bool(absent), length + len(text) - text.count("▁")
    order: Sequence[str] = sorted(counts, key=lambda character: (-counts[character], character))
    return MissingCharacters(
        {character: counts[character] for character in order}, counts.total() / max(length, 1), hit / max(total, 1)
    )
