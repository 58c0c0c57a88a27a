"""The content of a folder of text for a training: corpora, the side that all directions begin from, amounts."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from catscale.corpus_statistics.parts import FolderParts, find_parts
from catscale.corpus_statistics.volume import Volume, measure_volume
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction
from catscale.data.languages.codes import base_language
from catscale.errors import DataError

HELD_OUT = ("dev", "test")


@dataclass(frozen=True)
class FolderContent:
    """The content of a folder of text.

    Attributes:
        folder: The folder, as the user named it.
        parts: Its corpora.
        hub: The language in most pairs of languages, the source of all directions.
        directions: From the hub to every language that is paired with it, the smallest one first.
        languages: The languages of the directions, the hub first.
        others: Pairs of languages without the hub.
        empty: Directions whose files have no pair with two sides.
        volume: The train text of the directions.
        lacking: "dev" and "test" → the directions that have no files of it.
        held_out: The pairs of dev that come as files.
        notes: Remarks on the names of languages and on the files.
        unreadable: Directions from the hub whose train files cannot be read, and why.
    """

    folder: Path
    parts: FolderParts
    hub: str
    directions: tuple[Direction, ...]
    others: tuple[Direction, ...]
    empty: tuple[Direction, ...]
    volume: Volume
    lacking: dict[str, list[Direction]]
    held_out: int
    notes: tuple[str, ...]
    unreadable: dict[Direction, str] = field(default_factory=dict)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the directions, the hub first."""
        return (self.hub, *(direction.target for direction in self.directions))


def look_into(folder: Path) -> FolderContent:
    """Find out what a folder of text offers, and count it.

    Args:
        folder: The folder.

    Raises:
        DataError: If it holds nothing that can be read, or its files are faulty.
    """
    parts = find_parts(folder)
    corpus = parts.corpus()
    pairs = {frozenset((direction.source, direction.target)) for direction in corpus.available}
    hub = choose_hub(pairs)
    named = [direction for direction in corpus.available if direction.source == hub]
    unreadable = _find_unreadable(corpus, named)
    candidates = [direction for direction in named if direction not in unreadable]
    volume = measure_volume(corpus, candidates)
    directions = sorted((d for d in candidates if volume.pairs[d]), key=lambda d: (volume.pairs[d], d))
    if not directions:
        raise DataError(
            f"the files under {folder} hold no pair with text on both sides of {', '.join(map(str, candidates))}; "
            "look into them, or give another folder"
        )
    chosen = parts.corpus(directions)
    lacking = {split: [d for d in directions if not chosen.has_split(split, d)] for split in HELD_OUT}
    return FolderContent(
        folder=folder,
        parts=parts,
        hub=hub,
        directions=tuple(directions),
        others=tuple(d for d in corpus.available if d.source < d.target and hub not in (d.source, d.target)),
        empty=tuple(d for d in candidates if not volume.pairs[d]),
        volume=_without_empty(volume),
        lacking=lacking,
        held_out=_count_dev(chosen, [d for d in directions if d not in lacking["dev"]]),
        notes=tuple(dict.fromkeys([*corpus.notes, *chosen.notes])),
        unreadable=unreadable,
    )


def _find_unreadable(corpus: Corpus, directions: Collection[Direction]) -> dict[Direction, str]:
    """Return the directions whose train files cannot be read from their beginning on, as a table without a header.

    Raises:
        DataError: If none can be read.
    """
    found: dict[Direction, str] = {}
    for direction in directions:
        try:
            next(corpus.pairs("train", direction), None)
        except DataError as error:
            found[direction] = str(error)
            if len(found) == len(directions):
                raise
    return found


def choose_hub(pairs: Collection[frozenset[str]]) -> str:
    """Choose the language in most of some pairs of languages; of several English, else the first by its code.

    Example:
        >>> choose_hub([frozenset(("az", "tr")), frozenset(("ru", "tr"))])
        'tr'
        >>> choose_hub([frozenset(("az", "en"))])
        'en'
    """
    counts = Counter(language for pair in pairs for language in pair)
    most = max(counts.values())
    return min((code for code, n in counts.items() if n == most), key=lambda c: (base_language(c) != "en", c))


def _without_empty(volume: Volume) -> Volume:
    kept = [direction for direction, pairs in volume.pairs.items() if pairs]
    return replace(
        volume,
        pairs={direction: volume.pairs[direction] for direction in kept},
        characters={direction: volume.characters[direction] for direction in kept},
    )


def _count_dev(corpus: Corpus, directions: Collection[Direction]) -> int:
    return sum(sum(1 for _ in corpus.pairs("dev", direction)) for direction in directions)
