"""Train, dev and test from one pool of sentence pairs, divided by a hash of one language's sentence.

The same sentence lands in the same split for every other language, so that nothing that is tested or validated on in
any language is a source sentence of any language's training data. No random seed: the same pool gives the same files.

    position(s) = the first 48 bits of SHA-1(letters and digits of s, NFKC, case-folded) / 2⁴⁸
    test: position < test_share;  dev: position < test_share + dev_share;  train: the rest
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from catscale.data.pairs import Pair
from catscale.recipes.parts import Split, SplitPart

CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


@dataclass
class Divided:
    """A pool's pairs, (deciding language, other language), by split.

    Attributes:
        pairs: Split → its pairs.
        left_out: Pairs without text on both sides, with the same text on both, too long, too unequal, or repeated.
    """

    pairs: dict[Split, list[Pair]] = field(default_factory=dict)
    left_out: int = 0


def divide(pool: Iterable[Pair], part: SplitPart) -> Divided:
    """Divide a pool of pairs.

    Dev and test take one translation per sentence, those of the lowest positions first, so that languages share as
    many as they can; train keeps all translations, in an order that depends on its pairs alone.

    Args:
        pool: Pairs (sentence of the language that decides, sentence of the other), in the order of their sources: of a
            sentence's several translations, dev and test take the first.
        part: Shares, sizes and limits.
    """
    kept: dict[Pair, None] = {}
    count = 0
    for pair in pool:
        count += 1
        cleaned = clean(pair[0]), clean(pair[1])
        if _is_usable(cleaned, part):
            kept[cleaned] = None
    placed = sorted(((find_position(pair[0]), pair) for pair in kept), key=lambda item: item[0])
    test_end, dev_end = part.test_share, part.test_share + part.dev_share
    divided = Divided(left_out=count - len(kept))
    divided.pairs["train"] = sorted((pair for at, pair in placed if at >= dev_end), key=_shuffled)
    divided.pairs["test"] = _first((pair for at, pair in placed if at < test_end), part.max_test)
    divided.pairs["dev"] = _first((pair for at, pair in placed if test_end <= at < dev_end), part.max_dev)
    return divided


def clean(text: str) -> str:
    """Return one printable line: control and line-breaking characters become spaces.

    >>> clean(" a\\tb\\u2028 c ")
    'a b  c'
    """
    return CONTROL.sub(" ", text.lstrip("\ufeff")).strip()


def find_position(text: str) -> float:
    """Return where a sentence falls in [0, 1), whatever its case, punctuation and spaces.

    >>> find_position("Go!") == find_position("go."), round(find_position("Go!"), 4)
    (True, 0.1202)
    """
    return int(hashlib.sha1(_key(text).encode()).hexdigest()[:12], 16) / 16**12


def _key(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum()) or folded


def _is_usable(pair: Pair, part: SplitPart) -> bool:
    lengths = len(pair[0]), len(pair[1])
    if not min(lengths) or pair[0] == pair[1]:
        return False
    words = max(len(text.split()) for text in pair)
    return words <= part.max_words and max(lengths) / min(lengths) <= part.max_ratio


def _first(pairs: Iterable[Pair], most: int) -> list[Pair]:
    """Return one pair per sentence, up to `most` of them, in the order given."""
    found: dict[str, Pair] = {}
    for pair in pairs:
        if len(found) == most:
            break
        found.setdefault(_key(pair[0]), pair)
    return list(found.values())


def _shuffled(pair: Pair) -> bytes:
    return hashlib.sha1("\t".join(pair).encode()).digest()
