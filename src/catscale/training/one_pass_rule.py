"""Whether a step that measures gradients takes passes over all tasks, or a pass for each task.

Counted, not timed. Where products alone are asked for, passes over all tasks cost a third more than a plain step, one
product of matrices a layer beside its three, whatever the number of tasks; where gradients are held, they cost that
step, and a tenth more for what is read after the pass, when it has left the cache. A pass for each task costs the start
of that pass, and no padding to the lengths of others; without held gradients, all of that twice.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from catscale.balancing.contract import Request
from catscale.balancing.engine.generators import RandomState
from catscale.balancing.engine.graph_uses import UnknownUseError
from catscale.balancing.engine.joint_gradients import may_join
from catscale.balancing.engine.owned_batch import OwnedBatch
from catscale.data.batching import Batch
from catscale.data.joining import plan_joins
from catscale.distributed.sharding import is_sharded
from catscale.training.dealt_batches import Shape, dealt_shapes
from catscale.training.setup import TrainingSetup

PRODUCTS, HELD = 4 / 3, 1.1
"""Prices of passes over all tasks, beside plain ones."""
HELD_START = 0.25
"""The start of a pass that holds its gradient on a CPU, beside that of a plain one, most of which is the addition to
gradients that are there."""


class OnePassRule:
    """Decides by what all processes know, so that they decide alike.

    Args:
        setup: The run's parts.
        launch: The positions, of both sides, that are computed in the time that the start of a pass takes.
        limit: Target positions of a pass. Where products alone are asked for, the passes of a step, whose layers'
            inputs and outputs are kept until the last has ended, have no more together.
    """

    def __init__(self, setup: TrainingSetup, launch: float, limit: int) -> None:
        self.processes, self.parameters = setup.processes, setup.balancer.parameters
        self.device, self.low_memory = setup.model.device, setup.config.low_memory
        self.launch, self.limit = launch, limit
        is_plain = setup.model.mixes_directions and setup.config.repeated_dropout is None
        is_kept = not is_sharded(setup.model) and not setup.config.gradient_checkpointing
        self.may, self.takes_norms = is_plain and is_kept, setup.optimizer.needs_price
        self.apart_start = HELD_START if self.device.type == "cpu" and not self.low_memory else 1.0
        self._is_known: dict[bool, bool] = {}

    def holds(
        self, batches: Mapping[str, list[Batch]], request: Request, join: Callable[[str, Batch], OwnedBatch]
    ) -> bool:
        """Return whether passes over all tasks are taken.

        Args:
            batches: The sub-batches of the step, by task, of all processes.
            request: The measurements of the step.
            join: Returns a sub-batch of a task as a mixed one, for a look at what the model does.
        """
        if not self.may:
            return False
        if request == Request("products", metric=request.metric) and (self.low_memory or not self.takes_norms):
            return self._pays(batches, PRODUCTS, self.limit) and self._knows(batches, join, by_hooks=True)
        is_served = may_join(request, self.low_memory)
        return is_served and self._pays(batches, HELD, math.inf) and self._knows(batches, join, by_hooks=False)

    def _pays(self, batches: Mapping[str, list[Batch]], price: float, limit: float) -> bool:
        """Return whether all processes together compute less at a price of joined passes, none of them with target
        positions above a limit."""
        together, apart, start = 0.0, 0.0, self.launch * self.apart_start
        for by_task in dealt_shapes(batches, self.processes.size):
            shapes = [shape for found in by_task.values() for shape in found]
            cost, targets = self._cost(shapes, self.launch)
            if targets > limit:
                return False
            together += cost * price
            apart += sum(self._cost(found, start)[0] for found in by_task.values()) * (1 + self.low_memory)
        return together < apart

    def _cost(self, shapes: Sequence[Shape], start: float) -> tuple[float, int]:
        """Return the positions that passes over sub-batches cost, their starts among them, and the target positions."""
        cost, targets = 0.0, 0
        for numbers in plan_joins(shapes, self.launch, self.limit):
            rows = sum(shapes[number][0] for number in numbers)
            source, target = (max(shapes[number][side] for number in numbers) for side in (1, 2))
            cost, targets = cost + start + rows * (source + target), targets + rows * target
        return cost, targets

    def _knows(
        self, batches: Mapping[str, list[Batch]], join: Callable[[str, Batch], OwnedBatch], by_hooks: bool
    ) -> bool:
        """Return whether the uses of all compared parameters are known, which one sentence tells once for all."""
        if by_hooks not in self._is_known:
            task, found = next(iter(batches.items()))
            before = RandomState.capture(self.device)
            looked = join(task, found[0].rows(0, 1))
            try:
                looked.watch(list(looked().values()), self.parameters, by_hooks)
                unknown = 0.0
            except UnknownUseError:
                unknown = 1.0
            before.restore()
            self._is_known[by_hooks] = not any(self.processes.sum([unknown]))
        return self._is_known[by_hooks]
