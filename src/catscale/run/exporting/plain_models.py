"""The plain models that stand for a run's best model: itself, or one for each direction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.model.saved_config import PLAIN, read_architecture
from catscale.model.table import load_model
from catscale.system.writing.files import scratch_folder
from catscale.system.writing.folders import make_folder
from catscale.vocabulary.contract import Vocabulary


@dataclass(frozen=True)
class PlainModel:
    """A plain model to export.

    Attributes:
        name: The name of its folder in the exported one; empty where it is the only one.
        folder: Its saved folder.
        directions: The directions that it translates.
    """

    name: str
    folder: Path
    directions: Sequence[Direction]


@contextmanager
def plain_models(best: Path, directions: Sequence[Direction], vocabulary: Vocabulary) -> Iterator[list[PlainModel]]:
    """Find or make the plain models of a run for the time of the block.

    Args:
        best: The run's model.
        directions: The directions of the run.
        vocabulary: The vocabulary of the model.

    Raises:
        ConfigError: If no plain model translates as the run's does.
    """
    architecture = read_architecture(best)
    if architecture == PLAIN:
        yield [PlainModel("", best, directions)]
        return
    model = load_model(best)
    with scratch_folder() as scratch:
        found = []
        for direction in directions:
            plain = model.plain(direction)
            if plain is None:
                raise ConfigError(
                    f"the architecture {architecture} of {best} has no plain model for {direction}, which other "
                    "programs could load; allowed are m2m100 and those that make one (`plain`): translate with "
                    "`catscale translate`, or train with another model.architecture"
                )
            folder = scratch / str(direction)
            make_folder(folder)
            plain.save(folder)
            vocabulary.save(folder)
            found.append(PlainModel(str(direction), folder, [direction]))
        yield found
