"""Architectures whose training follows others: a plan of runs, each of which begins with another one's model."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from catscale.data.direction import Direction
from catscale.model.contract import Architecture, TranslationModel


@dataclass(frozen=True)
class Stage:
    """A training that comes before a run's own.

    Attributes:
        name: The name of its folder.
        model: The settings of its model.
        steps: Its updates.
        direction: The direction that it trains alone; None for all.
        after: The name of the stage with whose best model it begins; None where its parameters are drawn.
    """

    name: str
    model: Architecture
    steps: int
    direction: Direction | None = None
    after: str | None = None


class Staged(Architecture):
    """Base of the architectures that are trained in stages."""

    @abstractmethod
    def stages(self, directions: Sequence[Direction], steps: int) -> list[Stage]:
        """List the stages before the run's own, which has the rest of the updates, one at least.

        Args:
            directions: The tasks.
            steps: Updates of all stages together.

        Raises:
            ConfigError: If there are too few updates.
        """

    @abstractmethod
    def begin(self, models: Mapping[str, Path], directions: Sequence[Direction]) -> TranslationModel:
        """Make the model that the run's own training begins with.

        Args:
            models: Name of a stage → the folder of its best model.
            directions: The tasks.

        Raises:
            CheckpointError: If a folder holds no readable model.
        """
