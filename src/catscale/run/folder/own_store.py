"""The data that a run was trained on, found again."""

from collections.abc import Iterator
from pathlib import Path

from catscale.data.preparation.prepare import prepare
from catscale.data.store.store import Store
from catscale.errors import CheckpointError, DataError
from catscale.run.config import RunConfig
from catscale.run.folder.readback import read_environment
from catscale.system.console.messages import Say
from catscale.system.writing.places import check_folder
from catscale.vocabulary.contract import Vocabulary

PREPARED = "prepared"
"""Folder of token stores in a run's, made if its own store is missing."""


def list_stores(folder: Path, config: RunConfig, fingerprint: str) -> Iterator[Path]:
    """List the folders of a run's token store that are there: where the configuration says, and in the run's own.

    Args:
        folder: The run's.
        config: The run's configuration.
        fingerprint: The fingerprint of its data.
    """
    for place in (config.data.store, folder / PREPARED):
        stored = place / fingerprint[:16]
        if stored.is_dir():
            yield stored


def find_store(folder: Path, config: RunConfig, say: Say) -> Store:
    """Find the token store that the run was trained on; it is prepared again from the corpus if it is missing.

    What is prepared again lies in the run's own folder: its configuration may come from somebody else, and names no
    place to write to.

    Raises:
        CheckpointError: If `environment.json` names no data.
    """
    fingerprint = read_environment(folder).get("data_fingerprint")
    if fingerprint is None:
        raise CheckpointError(f"{folder / 'environment.json'} has no data_fingerprint; restore it, or train again")
    own = folder / PREPARED
    check_folder(own)
    for stored in list_stores(folder, config, fingerprint):
        say(f"data: {stored}")
        return Store.open(stored)
    gone = config.data.store / fingerprint[:16]
    say(f"the token store {gone} is gone; reading {config.data.place}, which {folder} names, into {own}")
    store = prepare(config.data.model_copy(update={"store": own}), config.vocabulary, say)
    if store.fingerprint != fingerprint:
        say(f"warning: the data have changed since {folder} was trained; held-out text may have been trained on")
    return store


def check_vocabulary(folder: Path, vocabulary: Vocabulary, store: Store) -> None:
    """Check that a store was prepared with the vocabulary of the run's model.

    Raises:
        DataError: If it was not.
    """
    if not vocabulary.is_same(store.vocabulary):
        raise DataError(
            f"the training data have changed since {folder} was trained: they give another vocabulary than the "
            "model's; restore them, or train again in a new folder"
        )
