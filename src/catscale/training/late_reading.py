"""Steps whose numbers are read when the next one is under way, so that the device never waits for the host in between.

A step is read late where nothing that follows needs its numbers: it measured nothing, neither the balancing method nor
the sampler looks at its losses, and no record, validation or checkpoint comes after it. Everything that is written is
what it would be otherwise. A step that is not finite moves nothing, for the device knows it before the update; the run
ends one step later. On a CPU, which computes each number before the next, nothing is read late.
"""

import time
from dataclasses import dataclass

from catscale.balancing.engine.late_step import LateStep
from catscale.distributed.sharding import is_sharded
from catscale.training.setup import TrainingSetup
from catscale.training.state import Progress
from catscale.training.step_losses import StepLosses


@dataclass
class UnreadStep:
    """A step that was taken and not read.

    Attributes:
        seen: Its numbers, on their way.
        prepared: Its losses.
        started: When it began, in seconds of a clock.
        seconds: Its time, until the next one began; None as long as none has.
    """

    seen: LateStep
    prepared: StepLosses
    started: float
    seconds: float | None = None

    def end(self) -> None:
        """Note that the next step begins."""
        self.seconds = self.seconds or time.perf_counter() - self.started


class LateReading:
    """Decides which steps are read late, the same on all processes.

    Args:
        setup: The run's parts.

    Attributes:
        is_on: Whether any may be.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        self.balancer, self.sampler, self.config = setup.balancer, setup.stream.sampler, setup.config
        is_able = setup.optimizer.skips_on_device and self.config.on_nonfinite == "stop"
        self.is_on = is_able and not is_sharded(setup.model) and setup.processes.device.type != "cpu"

    def allows(self, progress: Progress) -> bool:
        """Return whether the coming step may be read late.

        Args:
            progress: The progress of the run before it.
        """
        if not (self.is_on and self.balancer.may_be_late) or self._is_record_due(progress):
            return False
        request = self.sampler.request
        return self.sampler.due(progress.update + 1) is None and (request is None or request.against != "losses")

    def _is_record_due(self, progress: Progress) -> bool:
        """Return whether the step is the first since a record, or a record or a validation follows it."""
        step, config = progress.step + 1, self.config
        is_last = step >= config.max_steps
        return is_last or not progress.window.steps or not (step % config.log_every and step % config.validate_every)
