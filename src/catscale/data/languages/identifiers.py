"""Whether the values of a column, or the lines of a file, are text at all, or numbers, addresses and identifiers.

A name cannot tell: `id` is Indonesian, and ISO 639-3 has `ids`, `doc`, `key` and `len` for languages too.
"""

import re
from collections.abc import Sequence

SAMPLE = 200  # values that are looked at
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|www\.|[^\s@]+@[^\s@]+\.[a-z]+$", re.IGNORECASE)
KEY = re.compile(r"(?=.*[0-9_/:#=.])[\x21-\x7e]*[\x21-\x7e]")
ENDING = re.compile(r"[.:]+$")  # of a sentence of one word
ATTRIBUTES = {
    *("bak", "bin", "csv", "doc", "idx", "ids", "log", "md", "new", "old", "pdf", "raw", "ref", "src", "tar", "tgt"),
    *("tmp", "tmx", "tok", "tsv", "txt", "url", "xlf", "xml", "zip"),
}
"""Names of kinds of files and columns that are ISO 639-3 codes too, of languages of which few corpora exist."""


def are_texts(values: Sequence[str]) -> bool:
    """Return whether some values look like sentences; True if all are empty.

    Most of them must: a value does not that is an address, one word with digits or marks inside (`s0`, `doc-1.2`, a
    checksum), or has fewer letters than other characters. Values that only count up (`talk 1`, `talk 2`) do not either.

    Example:
        >>> are_texts(["Saya lapar.", "Apa kabar?"]), are_texts(["s0", "s1"]), are_texts(["0.5", "1"])
        (True, False, False)
    """
    sample = [value.strip() for value in values[:SAMPLE] if value.strip()]
    if not sample:
        return True
    if len(set(sample)) > 2 and len({re.sub("[0-9]+", "0", value) for value in sample}) == 1:
        return False
    return 2 * sum(map(_is_text, sample)) >= len(sample)


def _is_text(value: str) -> bool:
    if ADDRESS.match(value) or KEY.fullmatch(ENDING.sub("", value)):
        return False
    characters = [character for character in value if not character.isspace()]
    # combining vowels of Indic scripts are part of their letters
    letters = sum(character.isalpha() or character > "\u02ff" for character in characters)
    return 2 * letters >= len(characters)
