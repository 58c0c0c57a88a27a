"""The rewards of named tasks as a tensor.

Legend: N tasks.
"""

import math
from collections.abc import Mapping, Sequence
from numbers import Real

import torch
from torch import Tensor

from catscale.errors import ConfigError, DivergedError
from catscale.sampling.contract import Reward, RewardRequest
from catscale.system.misuse import describe

NAN = float("nan")


def read_rewards(rewards: Mapping[str, Reward], tasks: Sequence[str], request: RewardRequest | None) -> Tensor:
    """Return the rewards in the order of the tasks.

    Args:
        rewards: Reward by task.
        tasks: All N.
        request: The request that they answer.

    Returns:
        (N,) float64, or (N, 2) of pairs; NaN for a task that has none, where that may be.

    Raises:
        ConfigError: If they are not the rewards of the tasks.
        DivergedError: If one is not finite.
    """
    may_lack = request is not None and request.may_lack_tasks
    names = set(rewards) if isinstance(rewards, Mapping) else None
    if names is None or not (names <= set(tasks) if may_lack else names == set(tasks)):
        found = list(rewards) if isinstance(rewards, Mapping) else describe(rewards)
        whose = "for some of the tasks" if may_lack else "for all of the tasks"
        raise ConfigError(f"rewards must be given {whose} {list(tasks)}, found {found}; write {{task: reward}}")
    is_pair = request is not None and request.second is not None
    nothing = [NAN] * (1 + is_pair)
    rows = [_read_reward(task, rewards[task], is_pair) if task in rewards else nothing for task in tasks]
    table = torch.tensor(rows, dtype=torch.float64)
    return table if is_pair else table.squeeze(1)


def _read_reward(task: str, reward: object, is_pair: bool) -> list[float]:
    """Return the numbers of a task's reward.

    Raises:
        ConfigError: If they are none.
        DivergedError: If one is not finite.
    """
    if is_pair and not (isinstance(reward, Sequence) and len(reward) == 2):
        raise ConfigError(
            f"the reward of task {task!r} must be two numbers, as its request says, found {describe(reward)}; give both"
        )
    values = list(reward) if is_pair and isinstance(reward, Sequence) else [reward]
    numbers = [float(value) for value in values if isinstance(value, Real) and not isinstance(value, bool)]
    if len(numbers) < len(values):
        raise ConfigError(f"the reward of task {task!r} must be a number, found {describe(reward)}; give one")
    for value in numbers:
        if not math.isfinite(value):
            raise DivergedError(
                f"the sampling reward of task {task!r} must be finite, found {value}; lower the learning rate or look "
                "at the data of that task"
            )
    return numbers
