"""The table of TED talks of Qi et al. (2018), "When and Why are Pre-trained Word Embeddings Useful for NMT?".

`all_talks_{train,dev,test}.tsv`: a column a language after the talk's name, a row a sentence of the English talk. A
translation that is missing is written `__NULL__`, and one of which a part is missing holds that text, or its tokenised
form `_ _ NULL _ _`, among the rest.
"""

from collections.abc import Iterator
from pathlib import Path

from catscale.data.lines import read_lines
from catscale.data.readers import NULL, Pair, read_table, split_row

MISSING = (NULL, "_ _ NULL _ _")
TALK = "talk_name"


def read_ted(path: Path, source: str, target: str) -> Iterator[Pair]:
    """Yield the pairs of two columns of which both sides are there and complete.

    The others are no pairs of the direction, so they are not counted as read; without them the counts are those of
    the published benchmarks.

    Raises:
        DataError: If a column is not in the header or a row is too short (with its line).
    """
    columns = read_languages(path)
    pair = columns.get(source, source), columns.get(target, target)
    for left, right in read_table(path, pair):
        if left and right and not any(mark in side for mark in MISSING for side in (left, right)):
            yield left, right


def read_languages(path: Path) -> dict[str, str]:
    """Language → its column's name: `pt_br` → `pt-br`, because a hyphen divides the languages of a direction."""
    header = [cell.strip() for cell in split_row(next(read_lines(path)))]
    return {name.replace("-", "_"): name for name in header if name and name != TALK}
