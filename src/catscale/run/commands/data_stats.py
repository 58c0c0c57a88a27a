"""`catscale data stats`: from what a user points at to the statistics of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catscale.corpus_statistics.corpus import CorpusStatistics, sum_up
from catscale.corpus_statistics.guess import choose_directions, guess_corpus, open_file
from catscale.corpus_statistics.measure import measure
from catscale.corpus_statistics.sources import CorpusTexts, PairSource, StoreTexts, load_pieces, open_store
from catscale.data.config import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction
from catscale.data.languages.codes import parse_direction
from catscale.errors import ConfigError, DataError
from catscale.system.console.messages import Say
from catscale.system.console.progress import ProgressView
from catscale.system.writing.manifest import MANIFEST

NEWS = 30.0  # seconds between two lines of progress where there is no bar


@dataclass(frozen=True)
class Given:
    """The place that the user points at.

    Attributes:
        path: A configuration, a token store, a corpus folder, or a file that holds both sides.
        config: The configuration that says how to read the folder.
        vocabulary: A SentencePiece model, a folder with one, or a token store, whose pieces are to be counted.
        directions: The directions of a corpus folder; those of the configuration, or all from English, where there are
            none.
    """

    path: Path
    config: Path | None = None
    vocabulary: Path | None = None
    directions: Sequence[str] = ()


@dataclass(frozen=True)
class Found:
    """The corpus that is there to be read.

    Attributes:
        texts: The pairs.
        kind: Layout of the files, or "token store".
        vocabulary: The vocabulary whose pieces are counted.
        notes: Remarks for the reader of the figures.
    """

    texts: PairSource
    kind: str
    vocabulary: Path | None
    notes: list[str]


def describe_corpus(given: Given, jobs: int, say: Say) -> CorpusStatistics:
    """Read a corpus once and describe it.

    Args:
        given: The place of the corpus.
        jobs: Processes.
        say: Receives plain lines.

    Raises:
        ConfigError: If the arguments or the configuration are wrong.
        DataError: If there is no corpus, or it is faulty.
    """
    found, begin = find(given), time.monotonic()
    parts = len(found.texts.parts())
    say(f"{given.path}: {found.kind}, {parts} files of pairs")
    with ProgressView(parts, 0, "data stats") as view:
        last = 0.0

        def watch(done: int, pairs: int) -> None:
            nonlocal last
            is_seen = view.advance(done, f"{pairs:,} pairs")
            if not is_seen and time.monotonic() - max(begin, last) > NEWS:
                last = time.monotonic()
                say(f"{pairs:,} pairs read, {done} of {parts} files done")

        figures = measure(found.texts, jobs, watch)
    vocabulary = None if found.vocabulary is None else str(found.vocabulary)
    statistics = sum_up(str(given.path), found.kind, vocabulary, found.notes, figures)
    read = sum(split.read for splits in statistics.directions.values() for split in splits.values())
    seconds = time.monotonic() - begin
    say(f"{read:,} pairs read in {seconds:.1f} s, {read / max(seconds, 1e-3):,.0f} a second")
    return statistics


def find(given: Given) -> Found:
    """Find out what the user points at.

    Raises:
        ConfigError: If the arguments or the configuration are wrong.
        DataError: If there is no corpus.
    """
    if not given.path.exists():
        raise DataError(
            f"{given.path} does not exist (seen from {Path.cwd()}); name a configuration, a token store, a "
            "corpus folder or a file of pairs"
        )
    if given.path.is_dir() and (given.path / MANIFEST).exists():
        return _find_store(given)
    if given.path.is_dir() and given.config is None:
        return _find_all(given, guess_corpus(given.path))
    if given.path.is_file() and given.config is None and (corpus := open_file(given.path)) is not None:
        return _find_all(given, corpus)
    return _find_configured(given)


def _find_store(given: Given) -> Found:
    for name in ("config", "vocabulary", "directions"):
        if getattr(given, name):
            raise ConfigError(
                f"{given.path} is a token store, which has its own directions and vocabulary; leave out --{name}, or "
                "name the corpus instead of the store"
            )
    rule = open_store(given.path).vocabulary.rule  # now, in this process, where its faults are the user's
    changed = f"Unicode is normalised ({rule}), and " if rule else ""
    note = (
        f"the text of a token store is what its pieces decode to, after cleaning: {changed}"
        "characters without a piece are all alike"
    )
    return Found(StoreTexts(given.path), "token store", given.path / "vocabulary", [note])


def _find_all(given: Given, corpus: Corpus) -> Found:
    """Return the directions that a corpus without a configuration has.

    Raises:
        DataError: If it has none.
    """
    directions = _parse(given) or choose_directions(corpus)
    if not directions:
        raise DataError(f"{given.path} has no pair of languages; {corpus.what_exists()}")
    notes = []
    others = {frozenset((d.source, d.target)) for d in corpus.available}
    others -= {frozenset((d.source, d.target)) for d in directions}
    if others:
        notes.append(f"pairs of languages that were left out: {len(others)}; --directions or --config chooses")
    for split in ("dev", "test"):
        if given.path.is_dir() and not any(corpus.has_split(split, direction) for direction in directions):
            notes.append(
                f"no {split} files were found; if they have another name, say it in data.splits and use --config"
            )
    return _found(corpus, directions, given.vocabulary, [*corpus.notes, *notes])


def _find_configured(given: Given) -> Found:
    from catscale.run.config import load_config

    if given.path.is_dir():
        config = load_config(given.config or given.path, [f"data.path={given.path}"])
    elif given.config is None:
        config = load_config(given.path)
    else:
        raise ConfigError(
            f"{given.path} is a file and --config names another; give a folder with --config, or one file"
        )
    corpus = Corpus(config.data)
    vocabulary = given.vocabulary or config.vocabulary.existing
    directions = _parse(given) or corpus.directions
    return _found(corpus, directions, vocabulary, [*corpus.notes, *_notes(config.data)])


def _found(corpus: Corpus, directions: Sequence[Direction], vocabulary: Path | None, notes: list[str]) -> Found:
    for direction in directions:
        corpus.files("train", direction)
    model = None if vocabulary is None else _model_of(vocabulary)
    return Found(CorpusTexts(corpus, tuple(directions), model), corpus.config.format or "mixture", vocabulary, notes)


def _parse(given: Given) -> tuple[Direction, ...]:
    try:
        return tuple(dict.fromkeys(map(parse_direction, given.directions)))
    except ValueError as error:
        raise ConfigError(f"--directions: {error}") from error


def _model_of(path: Path) -> Path:
    """Return the vocabulary at a path, which may be a token store's or a run's folder."""
    inner = next((path / name for name in ("vocabulary", "best") if (path / name).is_dir()), path)
    load_pieces(inner)
    return inner


def _notes(config: DataConfig) -> list[str]:
    notes = []
    if config.limit:
        names = ", ".join(config.limit)
        notes.append(f"of {names} the first pairs up to data.limit are read; training takes them after cleaning")
    if config.holdout is not None:
        made = [name for name in ("dev", "test") if getattr(config.holdout, name)]
        which = "" if config.holdout.replace else " where the files have none"
        notes.append(
            f"data.holdout takes {' and '.join(made)} from train{which}; the figures of train are those before"
        )
    return notes
