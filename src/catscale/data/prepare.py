"""From a configuration to a token store, made once and found again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catscale.data.build import Builder, Say
from catscale.data.config import DataConfig
from catscale.data.corpus import Corpus
from catscale.data.fingerprint import HashCache, fingerprint
from catscale.data.standard_input import standard_input_spooled
from catscale.data.store import Store
from catscale.data.vocabulary_training import VocabularyConfig
from catscale.files import new_folder, recover_folder, user_errors

try:
    import fcntl
except ImportError:  # Windows: two processes must not prepare the same corpus at the same time
    fcntl = None  # type: ignore[assignment]


def prepare(data: DataConfig, vocabulary: VocabularyConfig, say: Say = lambda line: None) -> Store:
    """Read, clean and encode a corpus, unless that has been done.

    The store is `data.store/FINGERPRINT`. It appears when it is complete; a failure leaves nothing behind.

    Args:
        data: The corpus.
        vocabulary: The vocabulary.
        say: Receives progress lines.

    Returns:
        The open store.

    Raises:
        DataError: If the corpus is faulty or a store is damaged.
        CatscaleError: If the store's folder cannot be written.
    """
    with standard_input_spooled(data, say) as readable:
        return _prepare(readable, vocabulary, say)


def _prepare(data: DataConfig, vocabulary: VocabularyConfig, say: Say) -> Store:
    corpus = Corpus(data)
    cache = HashCache(data.store / ".hashes.json")
    name = fingerprint(corpus, vocabulary, cache)
    folder = data.store / name[:16]
    recover_folder(folder)
    if not folder.exists():
        with user_errors("create the token store", data.store):
            data.store.mkdir(parents=True, exist_ok=True)
        with _alone(data.store / ".lock"):
            if not folder.exists():
                with new_folder(folder) as temporary:
                    Builder(temporary, corpus, vocabulary, say).build(name)
    cache.save()
    say(f"token store: {folder}")
    return Store.open(folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process prepares in the same folder."""
    with user_errors("create the token store", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
