"""The engine: runs a sampler over named tasks, and keeps its state.

Legend: N tasks.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catscale.errors import CheckpointError, ConfigError, DivergedError
from catscale.sampling.contract import RewardRequest, SamplerState, Sampling


class Sampler:
    """A sampler's settings, its tasks and its state.

    Example:
        >>> from catscale.sampling import TemperatureSampling
        >>> Sampler(TemperatureSampling(temperature=1), {"en-az": 1, "en-fr": 3}).probabilities(1).tolist()
        [0.25, 0.75]

    Args:
        method: Settings of a sampler; see `catscale.sampling.contract.Sampling` for your own.
        sizes: Training pairs of all N tasks; their order gives the task ids.

    Raises:
        ConfigError: If there is no task, or the settings do not suit the tasks.
    """

    def __init__(self, method: Sampling[Any], sizes: Mapping[str, int]) -> None:
        if not sizes or min(sizes.values()) < 1:
            raise ConfigError(f"a sampler needs tasks with one or more training pairs each, found {dict(sizes)}")
        self.method, self.tasks = method, list(sizes)
        self.state: SamplerState = method.init(sizes)

    @property
    def request(self) -> RewardRequest | None:
        """The rewards that `update` is to be given, or None."""
        return self.method.request

    def due(self, step: int) -> RewardRequest | None:
        """The rewards to measure after update number `step`, or None."""
        request = self.request
        return request if request is not None and step % request.interval == 0 else None

    def probabilities(self, step: int) -> NDArray[np.float64]:
        """(N,) shares of the sentence pairs that update number `step`, from 1, is drawn from."""
        return self.method.probabilities(self.state, step)

    def update(self, rewards: Mapping[str, float]) -> None:
        """Move the state by the rewards of all N tasks.

        Raises:
            ConfigError: If the rewards are not those of the tasks.
            DivergedError: If one is not finite; the state is untouched.
        """
        if set(rewards) != set(self.tasks):
            raise ConfigError(f"rewards must be given for all of the tasks {self.tasks}, found {list(rewards)}")
        for task in self.tasks:
            if not math.isfinite(rewards[task]):
                raise DivergedError(
                    f"the sampling reward of task {task!r} must be finite, found {rewards[task]}; lower the learning "
                    "rate or look at the data of that task"
                )
        values = torch.tensor([rewards[task] for task in self.tasks], dtype=torch.float64)
        self.state = self.method.update(self.state, values)

    def state_dict(self) -> dict[str, Any]:
        """The sampler's name, the tasks and the state: tensors, numbers and strings only."""
        values = {field.name: getattr(self.state, field.name) for field in fields(self.state)}
        state = {name: value.clone() if isinstance(value, Tensor) else value for name, value in values.items()}
        return {"method": self.method.name, "tasks": list(self.tasks), "state": state}

    def load_state_dict(self, content: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned, bit for bit.

        Raises:
            CheckpointError: If it belongs to another sampler or to other tasks.
        """
        mine, saved = self.state_dict(), content["state"]
        if (content["method"], list(content["tasks"])) != (mine["method"], mine["tasks"]) or any(
            _kind(value) != _kind(saved.get(name)) for name, value in mine["state"].items()
        ):
            raise CheckpointError(
                f"the saved sampler is {content['method']!r} over {content['tasks']}, this one is {self.method.name!r} "
                f"over {self.tasks}; build it with the same settings and tasks"
            )
        copied = {name: saved[name] for name in mine["state"]}
        copied = {name: value.clone() if isinstance(value, Tensor) else value for name, value in copied.items()}
        self.state = type(self.state)(**copied)


def _kind(value: object) -> object:
    """What a saved value must agree with the present one in."""
    return (value.shape, value.dtype) if isinstance(value, Tensor) else type(value)
