"""Moves of a sampler by the rewards of all tasks, the same on all processes."""

from catscale.distributed.processes import Processes
from catscale.errors import DivergedError
from catscale.training.rewards import RewardMeter
from catscale.training.stream import MixtureStream


class SamplerMoves:
    """Moves a sampler when due.

    Args:
        stream: Holds the sampler.
        rewards: Measures the rewards on this process.
        processes: The processes that train together.
    """

    def __init__(self, stream: MixtureStream, rewards: RewardMeter, processes: Processes) -> None:
        self.stream, self.rewards, self.processes = stream, rewards, processes

    def move(self, step: int) -> tuple[dict[str, float] | None, DivergedError | None]:
        """Move the sampler after update number `step`, when due.

        Returns:
            The rewards, None where none were due or they are not finite on some process; and the error in that case.
        """
        sampler = self.stream.sampler
        request = sampler.due(step)
        if request is None:
            return None, None
        measured, failure = dict.fromkeys(sampler.tasks, 0.0), None
        try:
            measured = self.rewards.measure(request, step)
        except DivergedError as error:
            failure = error
        size = self.processes.size
        table = {task: value / size for task, value in measured.items()} | {"failed": float(failure is not None)}
        rewards = self.processes.sum_table(table)
        if rewards.pop("failed"):
            return None, failure or DivergedError("the sampler's rewards must be finite, another process found others")
        try:
            sampler.update(rewards)
        except DivergedError as error:
            return None, error
        return rewards, None
