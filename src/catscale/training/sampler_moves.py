"""Moves of a sampler by the rewards of all tasks, the same on all processes."""

from collections.abc import Mapping

from catscale.distributed.processes import Processes
from catscale.errors import DivergedError
from catscale.sampling.contract import Reward, RewardRequest
from catscale.training.rewards import RewardMeter
from catscale.training.stream import MixtureStream

Move = tuple[Mapping[str, Reward] | None, DivergedError | None]
"""The rewards, None where none were due or they are not finite on some process; and the error in that case."""


class SamplerMoves:
    """Moves a sampler when due.

    Args:
        stream: Holds the sampler.
        rewards: Measures the rewards on this process.
        processes: The processes that train together.
    """

    def __init__(self, stream: MixtureStream, rewards: RewardMeter, processes: Processes) -> None:
        self.stream, self.rewards, self.processes = stream, rewards, processes

    def move(self, step: int, nats: Mapping[str, float], tokens: Mapping[str, float]) -> Move:
        """Move the sampler after update number `step`, when due.

        Args:
            step: Its number.
            nats: The update's NLL by task, summed over its target tokens and over all processes.
            tokens: These tokens.
        """
        sampler = self.stream.sampler
        sampler.note(nats, tokens)
        request = sampler.due(step)
        if request is None:
            return None, None
        if not request.needs_passes:
            return self._update(sampler.losses.take())
        measured: Mapping[str, Reward] = {}
        failure = None
        try:
            measured = self.rewards.measure(request, step)
        except DivergedError as error:
            failure = error
        rewards = self._agree(request, measured, failure is not None)
        if rewards is None:
            return None, failure or DivergedError("the sampler's rewards must be finite, another process found others")
        return self._update(rewards)

    def move_by_validation(self, nll: Mapping[str, float]) -> Move:
        """Move the sampler after a validation, where it asks for that.

        Args:
            nll: The validation NLL of the tasks that have a dev split, the same on all processes.
        """
        request = self.stream.sampler.request
        if request is None or request.against != "dev_losses":
            return None, None
        return self._update(nll)

    def _agree(
        self, request: RewardRequest, measured: Mapping[str, Reward], has_failed: bool
    ) -> dict[str, Reward] | None:
        """Return the means of the processes' rewards, None where one has failed."""
        size = self.processes.size
        nothing: Reward = 0.0 if request.second is None else (0.0, 0.0)
        rows = {task: measured.get(task, nothing) for task in self.rewards.list_tasks(request)}
        flat = [value / size for row in rows.values() for value in (row if isinstance(row, tuple) else (row,))]
        *means, failures = self.processes.sum([*flat, float(has_failed)])
        if failures:
            return None
        if request.second is not None:
            return dict(zip(rows, zip(means[::2], means[1::2], strict=True), strict=True))
        return dict(zip(rows, means, strict=True))

    def _update(self, rewards: Mapping[str, Reward]) -> Move:
        try:
            self.stream.sampler.update(rewards)
        except DivergedError as error:
            return None, error
        return rewards, None
