"""The way in which a BPE model makes a piece of its characters.

A final piece of a word is made by the merges that make it when it is alone: no merge ever crosses its borders, and of
those within, the first by rank, the leftmost of equals, comes next in both.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from catscale.vocabulary.extension.content import Merge


def merge_pieces(pieces: Iterable[str], ranks: Mapping[Merge, int]) -> tuple[list[str], list[str]]:
    """Merge pieces until no merge applies, the merge of the lowest rank first, the leftmost of equals.

    Args:
        pieces: The characters of a word, or what it is cut to so far.
        ranks: Pair of pieces → rank.

    Returns:
        The pieces that are left, and those that were made on the way, the former among them.

    Example:
        >>> merge_pieces("abcb", {("b", "c"): 0, ("a", "bc"): 1})
        (['abc', 'b'], ['bc', 'abc'])
    """
    left = list(pieces)
    made: list[str] = []
    while True:
        found = [(ranks[pair], place) for place, pair in enumerate(pairwise(left)) if pair in ranks]
        if not found:
            return left, made
        _, place = min(found)
        made.append(left[place] + left[place + 1])
        left[place : place + 2] = made[-1:]


def find_parts(pieces: Iterable[str], ranks: Mapping[Merge, int]) -> set[str]:
    """Find all pieces that are needed to make some: themselves, their characters and what comes between.

    Example:
        >>> sorted(find_parts(["abc"], {("b", "c"): 0, ("a", "bc"): 1}))
        ['a', 'abc', 'b', 'bc', 'c']
    """
    needed: set[str] = set()
    for piece in pieces:
        needed.update(piece, [piece], merge_pieces(piece, ranks)[1])
    return needed
