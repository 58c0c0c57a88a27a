"""The tokens that a training draws, which some samplers share out: what is known of them, and what a pair is worth.

Legend: N tasks, B tokens that the training draws.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from catscale.errors import ConfigError
from catscale.settings import LARGE

Length = Annotated[float, Field(gt=0, le=LARGE, allow_inf_nan=False)]


def count_budget(method: str, steps: int | None, step_tokens: float | None) -> float:
    """Return B.

    Args:
        method: The sampler's name, for messages.
        steps: Updates of the training, where they are known.
        step_tokens: Target tokens of an update, where they are known.

    Raises:
        ConfigError: If one is not known.
    """
    if steps is None or step_tokens is None:
        raise ConfigError(
            f"sampling.method {method} shares out the tokens of the whole training, which are not known here; give "
            "steps and step_tokens, or call for_training and for_data"
        )
    return steps * step_tokens


def choose_lengths(lengths: Mapping[str, float] | None, sizes: Mapping[str, int]) -> dict[str, float]:
    """Return the mean tokens of a pair of each task: 1, which counts pairs, where no lengths are given.

    Args:
        lengths: The setting.
        sizes: Pairs of each task.

    Raises:
        ConfigError: If a task has no length among those that are given.

    Example:
        >>> choose_lengths(None, {"en-az": 100, "en-fr": 900})
        {'en-az': 1.0, 'en-fr': 1.0}
    """
    if lengths is None:
        return dict.fromkeys(sizes, 1.0)
    missing = [task for task in sizes if task not in lengths]
    if missing:
        raise ConfigError(
            f"sampling.lengths must give the mean tokens of a pair for each of {', '.join(sizes)}, found none for "
            f"{', '.join(missing)}; give them, or leave lengths out"
        )
    return {task: lengths[task] for task in sizes}
