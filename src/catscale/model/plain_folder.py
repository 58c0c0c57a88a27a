"""A folder of a plain model for programs that would take more of it than was checked, such as converters."""

from collections.abc import Callable
from pathlib import Path

from catscale.model.m2m100_model import empty_network, read_config
from catscale.model.saved_config import CONFIG
from catscale.model.saved_tensors import WEIGHTS, load_tensors
from catscale.system.writing.files import link_file, write_json


def write_clean(folder: Path, target: Path, place: Callable[[Path, Path], None] = link_file) -> None:
    """Make a folder of a saved model that holds nothing but what was checked.

    Args:
        folder: The saved model, a plain one.
        target: An empty folder.
        place: Puts the weights there: by a second name of the same file, or by a copy where the folder is to stay.

    Raises:
        CheckpointError: If it is no whole one.
    """
    config = read_config(folder)
    load_tensors(folder / WEIGHTS, empty_network(config))
    config.architectures = ["M2M100ForConditionalGeneration"]
    write_json(target / CONFIG, config.to_dict())
    place(folder / WEIGHTS, target / WEIGHTS)
