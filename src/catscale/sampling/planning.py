"""The course of a learnt mixture over a training: how often it moves, and the share that no task falls below.

Legend: N tasks, p (N,) probabilities, f floor.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from catscale.errors import ConfigError

UPDATES = 25
"""Updates of the mixture in a training, where `interval` is not given."""
LARGEST_FLOOR, PART_OF_SMALLEST = 1e-3, 0.1
"""The floor that is not given: at most so much, and so much of the smallest share at first."""
Value = TypeVar("Value", int, float, list[Any])


def plan_interval(steps: int) -> int:
    """Return the steps between two updates of the mixture in a training of `steps` steps."""
    return max(1, steps // UPDATES)


def require_planned(value: Value | None, names: str) -> Value:
    """Return a setting that follows from the length of the training.

    Args:
        value: The setting.
        names: The names of the settings that do, as in "sampling.interval".

    Raises:
        ConfigError: If the length is not known.
    """
    if value is None:
        are_several = " and " in names
        raise ConfigError(
            f"{names} follow{'' if are_several else 's'} from the length of the training, which is not known here; "
            f"give {'both' if are_several else 'it'}, or call for_training"
        )
    return value


def first_logits(sizes: Mapping[str, int], temperature: float) -> Tensor:
    """Return (N,) float64 log p of temperature sampling, the first mixture of a sampler that learns."""
    logits = torch.tensor(list(sizes.values()), dtype=torch.float64).log() / temperature
    return logits - logits.logsumexp(0)


def choose_floor(floor: float | None, shares: Tensor) -> Tensor:
    """Return f, () float64: the one that is given, or one that keeps the first mixture's ratios to a tenth.

    Args:
        floor: The setting.
        shares: (N,) float64, the first mixture.

    Raises:
        ConfigError: If it leaves no room on the simplex.
    """
    count = len(shares)
    chosen = min(LARGEST_FLOOR, PART_OF_SMALLEST * float(shares.min())) if floor is None else floor
    if count > 1 and chosen * count >= 1:
        raise ConfigError(
            f"sampling.floor must be below 1/{count} for {count} tasks, found {floor}; lower it, to {0.1 / count:.1g} "
            "say, or leave it out"
        )
    return torch.tensor(chosen if count > 1 else 0.0, dtype=torch.float64)


def keep_floor(shares: Tensor, floor: Tensor) -> Tensor:
    """Return f + (1 − N f) p, (N,) probabilities of f or more."""
    return floor + (1 - len(shares) * floor) * shares
