"""The spread of the train pairs over the directions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


def measure_entropy(shares: Sequence[float]) -> float:
    """Return the entropy −Σ p log p, in nats.

    Example:
        >>> round(measure_entropy([0.5, 0.5]), 4)
        0.6931
    """
    return sum(-share * math.log(share) for share in shares if share > 0)


@dataclass(frozen=True)
class Balance:
    """Train pairs by direction.

    Attributes:
        pairs: Direction → train pairs, from the fewest to the most.
        total: The pairs of all directions.
        entropy_nats: H = −Σ p ln p of the shares.
        entropy_base_10: The entropy with base-10 logarithms, which the paper's Table 1 has for TED and WMT.
        largest_to_smallest: Ratio; None where a direction has no pair.
    """

    pairs: dict[str, int]
    total: int
    entropy_nats: float
    entropy_base_10: float
    largest_to_smallest: float | None

    @property
    def floor(self) -> int:
        """The start of bars on a logarithmic scale: the power of ten below the smallest count, so that all are seen."""
        smallest = min((count for count in self.pairs.values() if count > 1), default=2)
        return int(10 ** (math.ceil(math.log10(smallest)) - 1))


def describe_balance(pairs: Mapping[str, int]) -> Balance:
    """Return the balance of some directions, at least one.

    Example:
        >>> describe_balance({"en-fr": 90, "en-gl": 10}).largest_to_smallest
        9.0
    """
    total, ordered = sum(pairs.values()), dict(sorted(pairs.items(), key=lambda item: item[1]))
    entropy = measure_entropy([count / total for count in pairs.values()]) if total else 0.0
    smallest, largest = min(pairs.values()), max(pairs.values())
    return Balance(ordered, total, entropy, entropy / math.log(10), largest / smallest if smallest else None)
