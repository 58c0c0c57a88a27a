"""A random permutation of many numbers, of which some can be computed without the others."""

import numpy as np
from numpy.typing import NDArray

ROUNDS = 4


def permute(numbers: NDArray[np.int64], size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the places of some numbers under a permutation of 0 … size − 1.

    A Feistel network permutes the numbers of 2h bits, 4^h ≥ size > 4^(h-1); numbers that leave the range go through
    it again until they are back ("cycle walking"; Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002).

    Args:
        numbers: (n,) between 0 and size − 1.
        size: The number of numbers.
        rng: Chooses the permutation: equal generators give equal ones.

    Returns:
        (n,) int64, distinct for distinct numbers.

    Example:
        >>> sorted(permute(np.arange(5), 5, np.random.default_rng(1)).tolist())
        [0, 1, 2, 3, 4]
    """
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    keys = rng.integers(0, 2**64, ROUNDS, np.uint64)
    found = _feistel(numbers.astype(np.uint64), half, keys)
    outside = np.flatnonzero(found >= size)
    while outside.size:
        found[outside] = _feistel(found[outside], half, keys)
        outside = outside[found[outside] >= size]
    return found.astype(np.int64)


def _feistel(values: NDArray[np.uint64], half: np.uint64, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = values >> half, values & mask
    for key in keys:
        left, right = right, left ^ (_mix(right ^ key) & mask)
    return np.asarray((left << half) | right)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of each number (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
