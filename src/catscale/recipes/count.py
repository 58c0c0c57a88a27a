"""Counts of a fetched corpus's pairs, compared with those that it should have."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from catscale.data.config import DataConfig
from catscale.data.corpora.corpus import SPLITS, Corpus
from catscale.data.direction import Direction
from catscale.recipes.recipe import Expected
from catscale.system.console.messages import Say


@dataclass(frozen=True)
class CorpusCount:
    """One language's pairs.

    Attributes:
        language: The one beside English.
        train, dev, test: Pairs with text on both sides.
        expected: Published number of train pairs, or none.
        difference: Difference of `train` from it in per cent, 0 within the published number's rounding; none without
            one.
        is_off: Whether that is more than the recipe tolerates.
        is_other: Whether its pairs are not those on record, where the recipe knows these.
    """

    language: str
    train: int
    dev: int
    test: int
    expected: int | None
    difference: float | None
    is_off: bool
    is_other: bool = False

    def record(self) -> dict[str, Any]:
        """Return a mapping for a JSON file."""
        return asdict(self)


def directions_of(data: DataConfig) -> tuple[list[Direction], list[Direction]]:
    """Return the directions that a configuration asks for: those with train and dev data, and those without."""
    corpus = Corpus(data)
    if data.directions is not None:
        asked = [Direction.parse(text) for text in data.directions]
    else:
        sources, targets = data.asked("source") or [], data.asked("target") or []
        asked = [Direction(source, target) for source in sources for target in targets]
    there = [d for d in asked if corpus.has_split("train", d) and corpus.has_split("dev", d)]
    return there, [d for d in asked if d not in there]


def count_pairs(data: DataConfig, directions: list[Direction], expected: Expected, say: Say) -> list[CorpusCount]:
    """Read the corpus as `catscale prepare` would, and compare.

    Raises:
        DataError: If it cannot be read.
    """
    corpus, counts = Corpus(data), []
    for direction in directions:
        texts, language = PairsDigest(), language_of(direction)
        splits = [split for split in SPLITS if corpus.has_split(split, direction)]
        found = {split: texts.add(corpus.pairs(split, direction)) for split in splits}
        count = compare(language, found, expected)
        counts.append(replace(count, is_other=texts.digest() != expected.texts.get(language, texts.digest())))
        say(f"{direction}: {counts[-1].train:,} pairs")
    return counts


def language_of(direction: Direction) -> str:
    """Return the language beside English."""
    return direction.source if direction.target == "en" else direction.target


def compare(language: str, found: Mapping[str, int], expected: Expected) -> CorpusCount:
    """Compare one language's numbers with the published one.

    Example:
        >>> expected = Expected(source="a table", pairs={"kk": 100_000}, rounding=50_000, tolerance=1)
        >>> compare("kk", {"train": 91_000}, expected).difference
        0.0
        >>> compare("kk", {"train": 200_000}, expected).difference
        50.0
    """
    published, difference = expected.pairs.get(language), None
    if published is not None:
        beyond = found["train"] - published
        beyond = max(abs(beyond) - expected.rounding, 0) * (1 if beyond > 0 else -1)
        difference = 100 * beyond / published + 0.0  # no negative zero
    return CorpusCount(
        language,
        found["train"],
        found.get("dev", 0),
        found.get("test", 0),
        published,
        difference,
        difference is not None and abs(difference) > expected.tolerance,
    )


class PairsDigest:
    """The SHA-256 of a direction's pairs: lines `source TAB target`, an empty line at the end of a split.

    Example:
        >>> texts = PairsDigest()
        >>> texts.add([("a", "b"), ("", "c")]), texts.digest()[:8]
        (1, '2377e2da')
    """

    def __init__(self) -> None:
        self._hash = sha256()

    def add(self, pairs: Iterable[tuple[str, str]]) -> int:
        """Add a split's pairs; returns how many have text on both sides."""
        count = 0
        for source, target in pairs:
            self._hash.update(f"{source}\t{target}\n".encode())
            count += bool(source.strip() and target.strip())
        self._hash.update(b"\n")
        return count

    def digest(self) -> str:
        """Return the checksum of what was added."""
        return self._hash.hexdigest()
