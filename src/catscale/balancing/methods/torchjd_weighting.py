"""The one door to TorchJD, an optional package: its weightings are functions of the Gram matrix."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from torch import Tensor

from catscale.errors import ConfigError


def torchjd_weighting(name: str, **settings: Any) -> Callable[[Tensor], Tensor]:
    """Return a weighting of `torchjd.aggregation`: from G (K, K) to weights (K,).

    Args:
        name: Name of the class, such as "PCGradWeighting".
        settings: The arguments of the weighting.

    Raises:
        ConfigError: If TorchJD is not installed, or is too old.
    """
    try:
        weighting: Callable[[Tensor], Tensor] = getattr(import_module("torchjd.aggregation"), name)(**settings)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"this balancing method needs TorchJD 0.18 or later, found: {error}; "
            "run pip install 'torchjd>=0.18' or choose another balancing.method"
        ) from error
    return weighting
