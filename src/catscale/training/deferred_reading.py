"""Steps whose numbers are read when the next one is under way, so that the device never waits for the host in between.

A step is read later where nothing that follows needs its numbers: it measured nothing, neither the balancing method nor
the sampler looks at its losses, and no record, validation or look at the model comes after it. All that is written is
what it would be otherwise, times apart. A step that is not finite moves nothing, for the device knows it before the
update; the run ends one step later, and the error names the task of a loss, not that of a gradient. On a CPU, which
computes each number before the next, nothing is read later.
"""

import time
from dataclasses import dataclass
from math import isnan

from torch.optim import Optimizer

from catscale.balancing import BalancedStep
from catscale.balancing.engine.deferred_step import DeferredStep
from catscale.distributed.sharding import is_sharded
from catscale.optimisation.contract import can_skip_on_device
from catscale.training.setup import TrainingSetup
from catscale.training.state import Progress
from catscale.training.step_losses import StepLosses

AnyStep = BalancedStep | DeferredStep
"""A step that was read, or one whose numbers are on their way."""


@dataclass
class UnreadStep:
    """A step that was taken and not read.

    Attributes:
        seen: Its numbers, on their way.
        prepared: Its losses.
        started: When it began, in seconds of a clock.
        seconds: Its time, until the next one began; None as long as none has.
    """

    seen: DeferredStep
    prepared: StepLosses
    started: float
    seconds: float | None = None

    def end(self) -> float:
        """Note that the next step begins, where none has; returns the time until then."""
        if self.seconds is None:
            self.seconds = time.perf_counter() - self.started
        return self.seconds


class DeferredReading:
    """Decides which steps are read later, the same on all processes.

    Args:
        setup: The run's parts.
        optimizer: Moves the parameters.

    Attributes:
        is_on: Whether any may be.
    """

    def __init__(self, setup: TrainingSetup, optimizer: Optimizer) -> None:
        self.balancer, self.sampler, self.config = setup.balancer, setup.stream.sampler, setup.config
        self.analyzer = setup.analyzer
        is_able = can_skip_on_device(setup.optimizer, optimizer) and self.config.on_nonfinite == "stop"
        is_alike = len({(part.device, part.dtype) for part in setup.trainable_parameters().values()}) == 1
        is_other = setup.processes.device.type != "cpu"
        self.is_on = is_able and is_alike and is_other and not is_sharded(setup.model)

    def allows(self, progress: Progress, latest: float) -> bool:
        """Return whether the coming step may be read later.

        Args:
            progress: The progress of the run before it.
            latest: NLL of the latest step that was read; NaN before the first one of this process, which is read at
                once, so that there is something to show.
        """
        if not (self.is_on and self.balancer.may_defer) or isnan(latest) or self._is_record_due(progress.step + 1):
            return False
        request = self.sampler.request
        return self.sampler.due(progress.update + 1) is None and (request is None or request.against != "losses")

    def _is_record_due(self, step: int) -> bool:
        """Return whether a record, a look at the model or a validation follows a step."""
        config, is_looked_at = self.config, self.analyzer is not None and self.analyzer.is_due(step)
        is_last = step >= config.max_steps
        return is_looked_at or is_last or not (step % config.log_every and step % config.validate_every)
