"""Patterns of files of single languages, read off their names where they have none of the usual ones.

`ted-train.orig.aze`, `ted-train.orig.eng` and `ted-dev.orig.eng` are `ted-{split}.orig.{lang}`; `Tatoeba.az-en.az` is
`Tatoeba.{pair}.{lang}`, without a split.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from catscale.data.corpus_config import SplitNames
from catscale.data.languages.codes import is_language
from catscale.data.languages.identifiers import ATTRIBUTES

SPLIT_WORDS = {
    "train": ("train", "training", "trn"),
    "dev": ("dev", "valid", "val", "validation", "devel", "tune"),
    "test": ("test", "devtest", "tst", "eval"),
}
"""Split → words by which files' names tell it, the usual one first."""
WORDS = {word: split for split, words in SPLIT_WORDS.items() for word in words}
SPECIAL = set("{}*|")
"""Characters that mean something in a pattern."""


@dataclass(frozen=True)
class NamePattern:
    """Files whose names differ in language, pair and split alone.

    Attributes:
        pattern: With {lang}, and {pair} and {split} where the names have them.
        splits: The words for the splits.
    """

    pattern: str
    splits: SplitNames


@dataclass(frozen=True)
class _Reading:
    """One way to read a name: the pattern, the word for the split and the split that it means, pair and language."""

    pattern: str
    word: str
    split: str
    pair: str
    language: str


@dataclass
class _Group:
    """Languages and words of the readings of one pattern."""

    languages: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    words: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def find_held_out(name: str) -> bool:
    """Return whether a file's name has a word for dev or test.

    Example:
        >>> find_held_out("ted-dev.orig.aze"), find_held_out("testament.az-en.az")
        (True, False)
    """
    return any(WORDS.get(word) in ("dev", "test") for word in re.split("[^a-z]", name.lower()))


def find_patterns(names: Iterable[str]) -> list[NamePattern]:
    """Find the patterns that give train files of two languages, among the names of the files of a folder.

    Example:
        >>> find_patterns(["x.train.az", "x.train.en", "x.val.az", "x.val.en"])[0].pattern
        'x.{split}.{lang}'
    """
    groups: defaultdict[str, _Group] = defaultdict(_Group)
    for name in sorted(names):
        for reading in _read(name):
            group = groups[reading.pattern]
            group.words[reading.split].add(reading.word)
            if reading.split == "train":
                group.languages[reading.pair].add(reading.language)
    usable = {p: g for p, g in groups.items() if any(len(each) > 1 for each in g.languages.values())}
    divided = {pattern for pattern in usable if "{split}" in pattern}
    return [NamePattern(p, _names_of(usable[p])) for p in usable if p in divided or not divided]


def _names_of(group: _Group) -> SplitNames:
    """Choose a word for each split: the usual one, or else the first."""
    chosen = {split: min(words, key=_rank) for split, words in group.words.items() if words - {""}}
    return SplitNames(**chosen)


def _rank(word: str) -> tuple[int, str]:
    """Return what orders the words for a split: the usual one, the others as they are listed, then all else."""
    usual = list(WORDS)
    return usual.index(word) if word in WORDS else len(usual), word


def _read(name: str) -> list[_Reading]:
    """Read a name in every way that fits: as train where no word tells the split."""
    parts = name.removesuffix(".gz").split(".")
    places = [n for n, part in enumerate(parts) if _is_code(part)]
    if not places or SPECIAL & set(name):
        return []
    language = parts[places[-1]]
    parts[places[-1]] = "{lang}"
    pair = next((part for part in parts if part.count("-") == 1 and language in part.split("-")), "")
    if pair and all(map(_is_code, pair.split("-"))):
        parts[parts.index(pair)] = "{pair}"
    else:
        pair = ""
    readings = [
        _Reading(".".join([*parts[:n], shown, *parts[n + 1 :]]), word, WORDS[key], pair, language)
        for n, part in enumerate(parts)
        for shown, word, key in _split_words(part)
    ]
    return readings or [_Reading(".".join(parts), "", "train", pair, language)]


def _split_words(part: str) -> list[tuple[str, str, str]]:
    """Return the ways to take a part of a name for a split: the part of a pattern, the word, and what tells it."""
    if part in WORDS:
        return [("{split}", part, part)]
    pieces = re.split("([-_])", part)
    found = [n for n, piece in enumerate(pieces) if piece in WORDS]
    if not found:
        return []
    shown = "".join([*pieces[: found[0]], "{split}", *pieces[found[0] + 1 :]])
    word = pieces[found[0]]
    whole = [("{split}", part, word)] if WORDS[word] != "train" else []  # one train file is read in one way
    return [(shown, word, word), *whole]


def _is_code(part: str) -> bool:
    return is_language(part) and part.lower() not in ATTRIBUTES and part not in WORDS
