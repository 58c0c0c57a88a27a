"""The sentences on which an exported model is compared with the run's: held-out sources that are at hand."""

from collections.abc import Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path

from catscale.data.direction import Direction
from catscale.data.formats.lines import read_written
from catscale.data.store.store import Store
from catscale.errors import CatscaleError
from catscale.evaluation.translate import LONGEST, one_line
from catscale.evaluation.translations import Translations
from catscale.run.config import RunConfig
from catscale.run.folder.own_store import list_stores

SPLITS = ("dev", "test")


def choose_sentences(
    run: Path, config: RunConfig, fingerprint: str | None, directions: Sequence[Direction], count: int
) -> dict[Direction, list[str]]:
    """Choose sources of dev, or else of test, the first ones of each direction in turn.

    The run's token store is read where it is at hand, or what `catscale evaluate` kept; nothing is prepared anew.

    Args:
        run: The run's folder.
        config: The configuration of the run.
        fingerprint: The fingerprint of its data.
        directions: The directions to choose from.
        count: The number of sentences in all.

    Returns:
        Direction → sources without line breaks, none empty; a direction without any is left out.
    """
    store = _open_store(run, config, fingerprint)
    found = [[(direction, line) for line in _read(run, store, direction, count)] for direction in directions]
    turns = (each for each in chain.from_iterable(zip_longest(*found)) if each is not None)
    chosen: dict[Direction, list[str]] = {}
    for direction, line in islice(turns, count):
        chosen.setdefault(direction, []).append(line)
    return chosen


def _open_store(run: Path, config: RunConfig, fingerprint: str | None) -> Store | None:
    """Open the token store of the run, where it is there and whole."""
    for folder in list_stores(run, config, fingerprint) if fingerprint else ():
        try:
            return Store.open(folder)
        except CatscaleError:
            continue
    return None


def _read(run: Path, store: Store | None, direction: Direction, count: int) -> list[str]:
    """Read the first sources of a direction that are not empty."""
    for split in SPLITS:
        try:
            if store is not None and store.has_split(split, direction):
                lines = store.split(split, direction).source_text()
            else:
                lines = list(read_written(Translations(run, split, str(direction)).path("src")))
        except (CatscaleError, OSError, ValueError):
            continue
        texts = (one_line(line) for line in lines if len(line) <= LONGEST)
        if found := list(islice((text for text in texts if text), count)):
            return found
    return []
