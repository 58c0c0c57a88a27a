"""The losses of one step, as the balancer takes them.

Legend: K tasks in the step.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from catscale.data.batching import Batch
from catscale.distributed.processes import Processes
from catscale.distributed.sharding import is_sharded
from catscale.training.setup import TrainingSetup


@dataclass(frozen=True)
class StepLosses:
    """The losses that one process computes in a step.

    Attributes:
        losses: Functions by task that add up to the task's loss; of the tasks that this process holds.
        tokens: Target tokens of each of these.
        counts: Target tokens of each of the K tasks, over all processes.
        nll: NLL of each sub-batch that was computed, by task.
    """

    losses: dict[str, list[Callable[[], Tensor]]]
    tokens: dict[str, float]
    counts: dict[str, int]
    nll: dict[str, dict[int, Tensor]]

    def sum_nll(self, processes: Processes) -> dict[str, float]:
        """Return the NLL of each of the K tasks, in nats, summed over its tokens and over all processes."""
        zero = torch.zeros((), dtype=torch.float64, device=processes.device)
        sums = torch.stack([torch.stack([zero, *values.values()]).sum() for values in self.nll.values()]).tolist()
        return processes.sum_table(dict(zip(self.nll, sums, strict=True)))


class LossBuilder:
    """Turns the sub-batches of a step into losses.

    Args:
        setup: The run's parts. Its objective gives the losses of a batch, its balancer says what a task's summed loss
            is divided by and whether halves are compared, its processes share the sub-batches.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        self.objective, self.balancer, self.processes = setup.objective, setup.balancer, setup.processes
        self.smoothing, self.autocast = setup.config.label_smoothing, setup.precision.dtype

    def build(self, batches: Mapping[str, list[Batch]]) -> StepLosses:
        """Build the losses of a step's sub-batches, by task."""
        counts = {task: sum(batch.tokens for batch in parts) for task, parts in batches.items()}
        nll: dict[str, dict[int, Tensor]] = {task: {} for task in batches}
        own = self._own(batches)
        losses = {
            task: [self._loss(batch, self._unit(counts, task), nll[task]) for batch in parts]
            for task, parts in own.items()
        }
        tokens = {task: float(sum(batch.tokens for batch in parts)) for task, parts in own.items()}
        if not losses and is_sharded(self.objective.model):  # which computes in step: a loss that counts nothing
            task, parts = next(iter(batches.items()))
            losses, tokens = {task: [self._loss(parts[0], math.inf, {})]}, {task: 1e-9}
        return StepLosses(losses, tokens, counts, nll)

    def _own(self, batches: Mapping[str, list[Batch]]) -> dict[str, list[Batch]]:
        """Return this process's sub-batches, in halves if the step compares halves and a task has only one."""
        mine = self.processes.share(batches)
        if self.balancer.request.halves:
            return {task: parts if len(parts) > 1 else parts[0].halves() for task, parts in mine.items()}
        return mine

    def _unit(self, counts: Mapping[str, int], task: str) -> int:
        """Return the divisor of a task's summed loss: its own tokens, or those of the whole step."""
        return counts[task] if self.balancer.method.losses == "tasks" else sum(counts.values())

    def _loss(self, batch: Batch, unit: float, nll: dict[int, Tensor]) -> Callable[[], Tensor]:
        """Return a function that computes a sub-batch's part of its task's loss, and notes its NLL the first time."""
        device = self.objective.model.device

        def compute() -> Tensor:
            with torch.autocast(device.type, self.autocast, enabled=self.autocast is not None):
                loss, total = self.objective(batch.to(device), self.smoothing)
            nll.setdefault(id(batch), total)
            loss_share: Tensor = loss / unit
            return loss_share

        return compute
