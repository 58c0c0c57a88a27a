"""The statistics of a whole corpus, as `stats.json` has them."""

from dataclasses import asdict, dataclass
from typing import Any

from catscale.corpus_statistics.balance import Balance, describe_balance
from catscale.corpus_statistics.figures import SplitFigures
from catscale.corpus_statistics.measure import Figures


@dataclass(frozen=True)
class CorpusStatistics:
    """A corpus.

    Attributes:
        path: The path that was read.
        format: Layout of its files, or "token store".
        vocabulary: The vocabulary whose pieces were counted; None for none.
        notes: Remarks that a reader needs on the origin of these figures.
        directions: Direction → split → figures.
        balance: The balance of the train pairs with two sides.
    """

    path: str
    format: str
    vocabulary: str | None
    notes: list[str]
    directions: dict[str, dict[str, SplitFigures]]
    balance: Balance

    def as_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return asdict(self)


def sum_up(path: str, kind: str, vocabulary: str | None, notes: list[str], figures: Figures) -> CorpusStatistics:
    """Return the statistics of the measured directions, at least one with a train split."""
    directions = {str(direction): splits for direction, splits in figures.items()}
    train = {name: splits["train"].pairs for name, splits in directions.items() if "train" in splits}
    sampled = sorted(
        name for name, splits in directions.items() if any(s.duplicates.sampled < 1 for s in splits.values())
    )
    if sampled:
        notes = [*notes, f"duplicates are estimated on a sample of the distinct lines in {', '.join(sampled)}"]
    return CorpusStatistics(path, kind, vocabulary, notes, directions, describe_balance(train))
