"""The models that can be sharded."""

from collections.abc import Iterable

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.model.contract import TranslationModel


def check_sharding(model: TranslationModel, directions: Iterable[Direction]) -> None:
    """Refuse to shard a model whose processes would wait for each other: those with other tasks use other parameters.

    Args:
        model: The model that is to be sharded.
        directions: The tasks that it is trained on.

    Raises:
        ConfigError: If directions have parameters of their own.
    """
    own = sum(bool(model.own_parameters(direction)) for direction in directions)
    if own:
        raise ConfigError(
            f"training.sharded needs a model whose parameters all directions share, found {own} directions with "
            "parameters of their own; set training.sharded to false, or choose another model.architecture"
        )
