"""The contract of what extends a plain model with parts of the languages' own, drawn or pre-trained."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from catscale.data.direction import Direction
from catscale.model.contract import TranslationModel
from catscale.settings import Settings


class ModelExtension(Settings, ABC):
    """Settings of an extension of a model of M2M-100's class.

    Attributes:
        kind: The architecture that the folder of an extended model names.
        warning: The line that a user should read before training.
    """

    kind: ClassVar[str]
    warning: ClassVar[str]

    @abstractmethod
    def extend(self, base: Any, directions: Sequence[Direction]) -> TranslationModel:
        """Extend a plain model, which is changed in its place.

        Args:
            base: An `M2M100Model`.
            directions: The tasks that it is trained on.

        Raises:
            ConfigError: If the settings do not fit the directions.
        """

    @abstractmethod
    def count_extension(self, sizes: Mapping[str, Any], directions: Sequence[Direction]) -> int:
        """Count the parameters beside the plain model's.

        Args:
            sizes: The plain model's by the names of `transformers.M2M100Config`.
            directions: The tasks that it is trained on; none where they are not known yet.
        """
