"""A folder like a run's `best`: a model for use, its vocabulary, its step, and a checksum of each file."""

from collections.abc import Callable
from pathlib import Path

from catscale.system.writing.files import new_folder
from catscale.system.writing.manifest import write_manifest
from catscale.training.checkpointing.best_step import write_step
from catscale.vocabulary.contract import Vocabulary


def write_best(
    folder: Path, save_model: Callable[[Path], object], vocabulary: Vocabulary, step: int, average: str | None = None
) -> None:
    """Write a folder whole or not at all.

    Args:
        folder: Is made, or replaced.
        save_model: Writes the model into the folder it is given.
        vocabulary: The model's.
        step: The step of the model.
        average: The average that the model is, in words; None where it is the trained one.
    """
    with new_folder(folder) as temporary:
        save_model(temporary)
        vocabulary.save(temporary)
        write_step(temporary, step, average)
        write_manifest(temporary)
