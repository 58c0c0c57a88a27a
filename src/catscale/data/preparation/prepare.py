"""Making the token store of a configuration, once, and finding it again."""

import re
from pathlib import Path

from catscale.data.config import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.corpora.hub_corpus import is_hidden
from catscale.data.corpora.standard_input import standard_input_spooled
from catscale.data.corpus_config import STDIN
from catscale.data.direction import list_languages
from catscale.data.formats.table import HUB
from catscale.data.preparation.builder import Builder
from catscale.data.preparation.fingerprint import HashCache, fingerprint
from catscale.data.preparation.unknown_pieces import refuse_unknown, warn_of_unknown
from catscale.data.preparation.work_folder import WORK, WorkFolder, is_earlier_work
from catscale.data.store.store import Store
from catscale.errors import ConfigError, DataError, UnreadableError
from catscale.system.console.messages import Say
from catscale.system.processors import count_processors
from catscale.system.writing.files import make_folder, move_folder, remove_folder, user_errors
from catscale.system.writing.folders import name_beside
from catscale.system.writing.locks import work_alone
from catscale.system.writing.markers import check_claim
from catscale.system.writing.places import find_kind, working_in
from catscale.vocabulary.contract import VocabularySettings
from catscale.vocabulary.table import kind_of

SMALL = 1 << 24  # bytes of train files below which starting processes takes longer than it saves
HASHES = ".hashes.json"
TRASH = "trash"
TRASHED = re.compile(r"\.[0-9a-f]{16}\.trash(-[0-9a-f]{8})?")  # what is being removed; version 0.1 gave it no number


def prepare(
    data: DataConfig,
    vocabulary: VocabularySettings,
    say: Say = lambda line: None,
    jobs: int | None = None,
    bar: bool = False,
    at_once: bool = False,
) -> Store:
    """Read, clean and encode a corpus, unless that has been done.

    The store is `data.store/FINGERPRINT`. It appears when it is complete. What is done before lies in
    `data.store/.FINGERPRINT.work`: when the process is killed or the disk is full, the next call goes on from there. A
    faulty corpus leaves nothing behind.

    Args:
        data: The corpus.
        vocabulary: The vocabulary.
        say: Receives progress lines.
        jobs: Processes; None for as many as there are processors, or one for a small corpus.
        bar: Whether to show a bar on a terminal.
        at_once: See `Store.open`.

    Returns:
        The open store.

    Raises:
        DataError: If the corpus is faulty or a store is damaged.
        CatscaleError: If the store's folder cannot be written.
    """
    vocabulary.check()  # refused now, not when the text is clean
    with standard_input_spooled(data, say) as readable:
        store = Store.open(_prepare(readable, vocabulary, say, jobs, bar), at_once)
    refuse_unknown(store.statistics, vocabulary.max_unknown)  # a store that was there may have been let through
    warn_of_unknown(store.statistics, say)
    return store


def find_prepared(data: DataConfig, vocabulary: VocabularySettings) -> Path | None:
    """Find the store that `prepare` would give, and write nothing: not even what was learnt of the files.

    Args:
        data: The corpus.
        vocabulary: The vocabulary.

    Returns:
        The folder of the store; None where it is not made yet, or what is piped in would have to be kept to know.

    Raises:
        DataError: If the corpus is faulty.
    """
    vocabulary.check()
    if any(part.path == STDIN for part in data.parts):
        return None
    folder = data.store / fingerprint(Corpus(data), vocabulary, HashCache(data.store / HASHES))[:16]
    return folder if _is_whole(folder) else None


def _prepare(data: DataConfig, vocabulary: VocabularySettings, say: Say, jobs: int | None, bar: bool) -> Path:
    """Return the folder of the store."""
    corpus = Corpus(data)
    for direction in corpus.directions:
        corpus.has_split("test", direction)  # so that there are notes about its files too
    for note in corpus.notes:
        say(f"note: {note}")
    vocabulary.check_languages(sorted(list_languages(corpus.directions)))
    cache = HashCache(data.store / HASHES)
    folder = data.store / fingerprint(corpus, vocabulary, cache)[:16]
    if folder.exists():
        for note in kind_of(folder / "vocabulary").vocabulary.read_notes(folder / "vocabulary"):
            say(f"vocabulary: {note}")
    if not _is_whole(folder) or find_trash(data.store):
        waiting = f"waiting for another process that prepares in {data.store}"
        with user_errors("create the token store", data.store):
            make_folder(data.store)
        with working_in(data.store), work_alone(data.store, "create the token store", waiting, say):
            name = fingerprint(corpus, vocabulary, cache)  # again: the files may have changed while we waited
            folder = data.store / name[:16]
            for left in find_trash(data.store):
                remove_folder(left)
            check_claim(_work_of(folder), WORK)
            for other in data.store.glob(".*.work"):
                if other != _work_of(folder):
                    say(f"{other} is an unfinished preparation of other data or settings; it may be deleted")
            if not folder.exists():
                _check_place(data)
                work = WorkFolder(_work_of(folder))
                builder = Builder(work, corpus, vocabulary, jobs or _choose_jobs(corpus), say, bar)
                _build(builder, name, folder, cache)
            _remove(_work_of(folder))
    cache.save()
    say(f"token store: {folder}")
    return folder


def _check_place(data: DataConfig) -> None:
    """Refuse a store that would be one of the files of its own dataset.

    Raises:
        ConfigError: If it would.
    """
    for part in data.parts:
        if part.format == HUB and part.is_local and part.path is not None:
            root, store = part.path.resolve(), data.store.resolve()
            if store.is_relative_to(root) and not is_hidden(store, root):
                raise ConfigError(
                    f"the store {data.store} lies in the dataset {part.path}, whose files it would be one of; "
                    "give data.store another folder"
                )


def _is_whole(folder: Path) -> bool:
    """Return whether a store is made, and nothing of an unfinished preparation is left."""
    return folder.exists() and not _work_of(folder).exists()


def _work_of(folder: Path) -> Path:
    """Return the folder of a store's unfinished preparation."""
    return folder.with_name(f".{folder.name}.work")


def _remove(work: Path) -> None:
    """Remove an unfinished preparation: first its name, at once, so that no part of it is ever taken for the whole."""
    if work.exists():
        trash = name_beside(work.with_name(work.name.removeprefix(".").removesuffix(".work")), TRASH)
        move_folder(work, trash)
        remove_folder(trash)


def find_trash(store: Path) -> list[Path]:
    """Return what an interrupted removal left in a store's folder, which may hold the user's files too."""
    found = [path for path in store.iterdir() if TRASHED.fullmatch(path.name)] if store.is_dir() else []
    return [p for p in found if find_kind(p) == "a folder" and ("-" in p.suffix or is_earlier_work(p))]


def _choose_jobs(corpus: Corpus) -> int:
    size = sum(corpus.size("train", direction) for direction in corpus.directions)
    return 1 if 0 < size <= SMALL else count_processors()  # the Hub's datasets have no size here


def _build(builder: Builder, name: str, folder: Path, inputs: HashCache) -> None:
    """Make a store and move it to its place; only a faulty corpus, or one that changed, leaves nothing of the work."""
    work = builder.work.folder
    if work.exists():
        builder.say(f"going on with the preparation that was cut off in {work}")
    try:
        made = builder.build(name)
        inputs.check_unchanged()
    except UnreadableError:
        raise  # what could not be read may be read later: what is done is kept
    except DataError:
        _remove(work)
        raise
    move_folder(made, folder)
