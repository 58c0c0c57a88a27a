"""The table of TED talks of Qi et al. (2018), "When and Why are Pre-trained Word Embeddings Useful for NMT?".

`all_talks_{train,dev,test}.tsv`: a column per language after the talk's name, a row per sentence of the English talk. A
translation that is missing is written `__NULL__`, and one of which a part is missing holds that text, or its tokenised
form `_ _ NULL _ _`, among the rest.
"""

from collections.abc import Iterator
from pathlib import Path

from catscale.data.formats.contract import FileFormat, Names
from catscale.data.formats.lines import read_lines
from catscale.data.formats.tsv import NULL, place_table, split_row
from catscale.data.pairs import Placed

MISSING = (NULL, "_ _ NULL _ _")
TALK = "talk_name"


def place_ted(path: Path, source: str, target: str) -> Iterator[Placed]:
    """Yield the pairs of two columns of which both sides are there and complete, with their line.

    The others are no pairs of the direction, so they are not counted as read; without them the counts are those of
    the published benchmarks.

    Raises:
        DataError: If a column is not in the header or a row is too short (with its line).
    """
    for line, (left, right) in place_table(path, (source, target)):
        if left and right and not any(mark in side for mark in MISSING for side in (left, right)):
            yield line, (left, right)


def ted_columns(path: Path) -> set[str]:
    """Return the names of the columns of languages."""
    header = [cell.strip() for cell in split_row(next(read_lines(path)))]
    return {name for name in header if name and name != TALK}


def _groups(path: Path) -> Names:
    return [ted_columns(path)]


TED = FileFormat(
    "the table of TED talks of Qi et al. (2018)",
    ("all_talks_{split}.tsv",),
    place=place_ted,
    groups=_groups,
    by_header=True,
)
