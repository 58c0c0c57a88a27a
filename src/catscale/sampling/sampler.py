"""The engine that runs a sampler over named tasks, and keeps its state.

Legend: N tasks.
"""

import math
from collections.abc import Collection, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from catscale.errors import CheckpointError, ConfigError, DivergedError
from catscale.sampling.contract import RewardRequest, SamplerState, Sampling
from catscale.sampling.replay import apply_replay
from catscale.sampling.table import SAMPLERS
from catscale.system.misuse import describe, require_settings
from catscale.system.reading.saved_state import restore_state, save_state

NEEDED = ("name", "init", "probabilities", "request", "update")
"""The members of a sampler that the engine uses."""


class Sampler:
    """A sampler's settings, its tasks and its state.

    Example:
        >>> from catscale.sampling import TemperatureSampling
        >>> Sampler(TemperatureSampling(temperature=1), {"en-az": 1, "en-fr": 3}).probabilities(1).tolist()
        [0.25, 0.75]

    Args:
        method: Settings of a sampler; see `catscale.sampling.contract.Sampling` for your own.
        sizes: Training pairs of all N tasks; their order gives the task ids.
        old: The tasks that a pre-trained model can do already; where there are others too, `method.replay` is the share
            of these together.

    Raises:
        ConfigError: If there is no task, or the settings do not suit the tasks, or an old one is none of them.
    """

    def __init__(self, method: Sampling[Any], sizes: Mapping[str, int], old: Collection[str] = ()) -> None:
        require_settings(method, NEEDED, "sampler", "TemperatureSampling()", SAMPLERS)
        sizes = check_sizes(sizes)
        self.method, self.tasks, self.old = method, list(sizes), check_old(old, sizes)
        self._is_old: NDArray[np.bool_] = np.array([task in self.old for task in self.tasks])
        self._first: SamplerState = method.init(sizes)
        self.state = self._first

    @property
    def request(self) -> RewardRequest | None:
        """The rewards that `update` is to be given, or None."""
        return self.method.request

    def due(self, step: int) -> RewardRequest | None:
        """Return the rewards to measure after update number `step`, or None."""
        request = self.request
        return request if request is not None and step % request.interval == 0 else None

    def probabilities(self, step: int) -> NDArray[np.float64]:
        """Return the (N,) shares of the sentence pairs that update number `step`, from 1, is drawn from.

        Raises:
            ConfigError: If the step is no whole number.
        """
        if not isinstance(step, Integral):
            raise ConfigError(f"step must be the number of an update, from 1, found {describe(step)}")
        shares = self.method.probabilities(self.state, step)
        if self.replay is None:
            return shares
        return apply_replay(shares, self._is_old, self.replay)

    @property
    def replay(self) -> float | None:
        """The share of the old tasks together, where there are old and new ones; None for the sampler's own."""
        return self.method.replay if 0 < len(self.old) < len(self.tasks) else None

    def update(self, rewards: Mapping[str, float]) -> None:
        """Move the state by the rewards of all N tasks.

        Raises:
            ConfigError: If the rewards are not those of the tasks.
            DivergedError: If one is not finite; the state is untouched.
        """
        if not isinstance(rewards, Mapping) or set(rewards) != set(self.tasks):
            found = list(rewards) if isinstance(rewards, Mapping) else describe(rewards)
            raise ConfigError(
                f"rewards must be given for all of the tasks {self.tasks}, found {found}; write {{task: reward}}"
            )
        for task in self.tasks:
            if not _is_number(rewards[task]):
                raise ConfigError(
                    f"the reward of task {task!r} must be a number, found {describe(rewards[task])}; give one"
                )
            if not math.isfinite(rewards[task]):
                raise DivergedError(
                    f"the sampling reward of task {task!r} must be finite, found {rewards[task]}; lower the learning "
                    "rate or look at the data of that task"
                )
        values = torch.tensor([rewards[task] for task in self.tasks], dtype=torch.float64)
        self.state = self.method.update(self.state, values)

    def state_dict(self) -> dict[str, Any]:
        """Return the sampler's name, the tasks and the state: tensors, numbers and strings only."""
        return save_state(self.method.name, self.tasks, self.state)

    def load_state_dict(self, content: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned, bit for bit.

        Raises:
            CheckpointError: If it is nothing of the kind, belongs to another sampler or to other tasks, or holds
                numbers that no such state has.
        """
        state = restore_state(content, self.method.name, self.tasks, "sampler", self.state, first=self._first)
        shares = self.method.probabilities(state, 1)
        if not (np.isfinite(shares).all() and (shares >= 0).all() and abs(shares.sum() - 1) < 1e-6):
            raise CheckpointError(
                f"the saved state of {self.method.name!r} must give shares of 0 or more with sum 1, found "
                f"{shares.tolist()}; load another checkpoint"
            )
        self.state = state


def check_sizes(sizes: Mapping[str, int]) -> dict[str, int]:
    """Return the training pairs of each task.

    Raises:
        ConfigError: If there is no task, or one without pairs.
    """
    what = "a sampler needs tasks with one or more training pairs each"
    if not isinstance(sizes, Mapping):
        raise ConfigError(f"{what}, found {describe(sizes)}; write {{task: pairs}}")
    wrong = [name for name in sizes if not isinstance(name, str)]
    if wrong:
        raise ConfigError(f"{what}, found the task {wrong[0]!r}, which is no text; write str({wrong[0]!r})")
    for name, size in sizes.items():
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise ConfigError(
                f"{what}, found {size!r} for {name!r}; give whole numbers, and leave out tasks without data"
            )
    if not sizes:
        raise ConfigError(f"{what}, found none; name at least one")
    return {name: int(size) for name, size in sizes.items()}


def check_old(old: Collection[str], sizes: Mapping[str, int]) -> frozenset[str]:
    """Return the names of old tasks.

    Raises:
        ConfigError: If one is no task.
    """
    unknown = sorted(set(old) - set(sizes))
    if unknown:
        raise ConfigError(f"old tasks must be among {', '.join(sizes)}, found {', '.join(unknown)}; use their names")
    return frozenset(old)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
