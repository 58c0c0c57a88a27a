"""The words of a text as a tokenizer's model gets them: normalised, and cut at white space."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def read_words(tokenizer: "Tokenizer", lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the words of each line, `▁` and all; a line is cut as by `Vocabulary.encode`, without white space at its
    ends."""
    normalizer, divider = tokenizer.normalizer, tokenizer.pre_tokenizer
    for line in lines:
        text = line.strip()
        normal = text if normalizer is None else normalizer.normalize_str(text)
        yield [normal] if divider is None else [word for word, _ in divider.pre_tokenize_str(normal)]


def count_words(tokenizer: "Tokenizer", lines: Iterable[str]) -> Counter[str]:
    """Count the words of lines."""
    counts: Counter[str] = Counter()
    for words in read_words(tokenizer, lines):
        counts.update(words)
    return counts
