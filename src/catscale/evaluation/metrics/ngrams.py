"""Counts of n-grams of each hypothesis that occur in its reference, for many systems at once.

sacreBLEU counts sentence by sentence in dictionaries; here the n-grams of all sentences are sorted together, which is
several times faster and gives the same whole numbers. Legend: R systems, S sentences, U units (characters or words).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Units = NDArray[np.int64]
BLOCK = 2_000_000
"""Units that are counted together, which bounds the memory: about 100 bytes each."""


def lengths_of(systems: Sequence[Sequence[Units]]) -> NDArray[np.int64]:
    """Return the (R, S) units of each sentence."""
    return np.array([[len(units) for units in system] for system in systems], dtype=np.int64)


def count_ngrams(lengths: NDArray[np.int64], order: int) -> NDArray[np.int64]:
    """Return the (R, S, order) n-grams of sentences of (R, S) units, n = 1 … order.

    >>> count_ngrams(np.array([[3, 1]]), 2).tolist()
    [[[3, 2], [1, 0]]]
    """
    counts: NDArray[np.int64] = np.maximum(lengths[..., None] - np.arange(order), 0)
    return counts


def count_matches(hypotheses: Sequence[Sequence[Units]], references: Sequence[Units], order: int) -> NDArray[np.int64]:
    """Count clipped n-gram matches, n = 1 … order: Σ_g min(count in the hypothesis, count in the reference).

    Args:
        hypotheses: R systems' S sentences as numbers, the same for the same character or word.
        references: S sentences.
        order: Largest n.

    Returns:
        (R, S, order) matches.

    >>> count_matches([[np.array([1, 1, 2])]], [np.array([1, 2, 2])], 2).tolist()
    [[[2, 1]]]
    """
    matches = np.zeros((len(hypotheses), len(references), order), dtype=np.int64)
    sizes = np.array([len(units) for units in references])
    for system in hypotheses:
        sizes = sizes + np.array([len(units) for units in system])
    blocks = np.cumsum(sizes) // BLOCK
    for block in np.unique(blocks):
        first, last = np.searchsorted(blocks, block), np.searchsorted(blocks, block, side="right")
        sides = [references[first:last], *(system[first:last] for system in hypotheses)]
        matches[:, first:last] = _count_block(sides, order)
    return matches


def _count_block(sides: Sequence[Sequence[Units]], order: int) -> NDArray[np.int64]:
    """Count the matches of a block; the first side is the references, the others the systems: (R, S, order)."""
    sentences, texts = len(sides[0]), [units for side in sides for units in side]
    lengths = np.array([len(units) for units in texts], dtype=np.int64)
    units = np.concatenate([np.zeros(0, dtype=np.int64), *texts])
    text = np.repeat(np.arange(len(texts)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(units))  # units from here to the end of its text
    side, gram = text // sentences, text % sentences
    width = int(units.max(initial=0)) + 1
    matches = np.zeros((len(sides) - 1, sentences, order), dtype=np.int64)
    starts = np.arange(len(units))
    for n in range(1, order + 1):
        starts = starts[left[starts] >= n]
        gram = _rank(gram, starts, units[starts + n - 1], width)
        counts = _count(gram[starts], side[starts], len(sides))
        matches[:, :, n - 1] = _clip(counts, gram[starts], text[starts] % sentences, sentences)
        shared = (counts[:, 0] > 0) & (counts[:, 1:].max(1, initial=0) > 0)
        starts = starts[shared[gram[starts]]]  # a longer n-gram matches only where this one does
    return matches


def _rank(gram: Units, starts: Units, following: Units, width: int) -> Units:
    """Number the (sentence, n-gram) at each start, from the numbers of n − 1 and the unit that follows."""
    numbers = np.zeros(len(gram), dtype=np.int64)
    _, numbers[starts] = np.unique(gram[starts] * width + following, return_inverse=True)
    return numbers


def _count(gram: Units, side: Units, sides: int) -> NDArray[np.int64]:
    """Return (grams, sides): how often each side has each n-gram."""
    grams = int(gram.max(initial=-1)) + 1
    return np.bincount(gram * sides + side, minlength=grams * sides).reshape(grams, sides)


def _clip(counts: NDArray[np.int64], gram: Units, sentence: Units, sentences: int) -> NDArray[np.int64]:
    """Return Σ_g min(count in a system's sentence, count in its reference): (R, S)."""
    owner = np.zeros(len(counts), dtype=np.int64)
    owner[gram] = sentence
    clipped = np.minimum(counts[:, 1:], counts[:, :1])  # (grams, R)
    return np.stack([np.bincount(owner, column, sentences).round().astype(np.int64) for column in clipped.T])
