"""The model that a run with a pre-trained base began with, made again from its configuration.

RUN/base/scores.json, translations/ …    what `catscale evaluate --model base` wrote; the model itself is not kept
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catscale.data.store.store import Store
from catscale.errors import ConfigError
from catscale.evaluation.decoding.huggingface import saved_search
from catscale.run.config import RunConfig
from catscale.run.folder.base_model import check_base
from catscale.run.folder.converted import FOLDER as CONVERTED
from catscale.run.folder.places import base_place
from catscale.system.writing.files import remove_folder
from catscale.training.checkpointing.best_folder import write_best


def check_has_base(folder: Path, config: RunConfig) -> None:
    """Refuse a run that began with parameters drawn at random.

    Raises:
        ConfigError: If it is one.
        CatscaleError: If the folder of the pre-trained model is missing, or has changed since.
    """
    if not config.model.has_base:
        raise ConfigError(
            f"{folder} was trained from random parameters, so that there is no base model to score; leave --model out, "
            "or give a run with model.pretrained"
        )
    config.model.check()
    check_base(folder, config.model, "restore it: the model that the run began with is made from that folder again")


@contextmanager
def first_model(folder: Path, config: RunConfig, store: Store) -> Iterator[Path]:
    """Give a folder like `best` of the model before the first step, removed when the block ends.

    Args:
        folder: The run's; the caller holds its lock.
        config: The run's configuration, which `check_has_base` has seen.
        store: The data that the run was trained on.

    Raises:
        CatscaleError: If there is no memory for the model.
    """
    place = base_place(folder) / "best"
    model = config.model.build(store.vocabulary, store.directions, config.training.seed)
    model.keep_search(saved_search(config.evaluation, store.vocabulary))
    write_best(place, model.save_best, store.vocabulary, step=0)
    del model
    try:
        yield place
    finally:
        remove_folder(place)
        remove_folder(place.parent / CONVERTED)
