"""The engine that runs a sampler over named tasks, and keeps its state.

Legend: N tasks.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catscale.errors import CheckpointError, ConfigError
from catscale.sampling.contract import Reward, RewardRequest, SamplerState, Sampling
from catscale.sampling.replay import apply_replay
from catscale.sampling.reward_table import read_rewards
from catscale.sampling.running_losses import RunningLosses
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
        self.losses = RunningLosses(self.tasks)

    @property
    def request(self) -> RewardRequest | None:
        """The rewards that `update` is to be given, or None."""
        return self.method.request

    def due(self, step: int) -> RewardRequest | None:
        """Return the rewards to measure after update number `step`, or None; those of validations are never among
        them."""
        request = self.request
        if request is None or request.against == "dev_losses":
            return None
        return request if step % request.interval == 0 else None

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

    def note(self, nats: Mapping[str, float], tokens: Mapping[str, float]) -> None:
        """Take in the training losses of a step, for a sampler that asks for them.

        Args:
            nats: NLL by task, summed over its target tokens, of the tasks in the step.
            tokens: Their target tokens.
        """
        if self._asks_for_losses:
            self.losses.add(nats, tokens)

    @property
    def _known_request(self) -> RewardRequest | None:
        """The request; None of a sampler whose interval is not known, which is moved by hand."""
        with suppress(ConfigError):
            return self.request
        return None

    @property
    def _asks_for_losses(self) -> bool:
        request = self._known_request
        return request is not None and request.against == "losses"

    def update(self, rewards: Mapping[str, Reward]) -> None:
        """Move the state by the rewards of all N tasks, or of those that have one (`RewardRequest.may_lack_tasks`).

        Raises:
            ConfigError: If the rewards are not those of the tasks.
            DivergedError: If one is not finite; the state is untouched.
        """
        self.state = self.method.update(self.state, read_rewards(rewards, self.tasks, self._known_request))

    def state_dict(self) -> dict[str, Any]:
        """Return the sampler's name, the tasks and the state: tensors, numbers and strings only."""
        saved = save_state(self.method.name, self.tasks, self.state)
        return {**saved, "losses": self.losses.state_dict()} if self._asks_for_losses else saved

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
        if self._asks_for_losses:
            self.losses.load_state_dict(content.get("losses"))
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
