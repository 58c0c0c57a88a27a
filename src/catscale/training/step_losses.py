"""The losses of one step, as the balancer takes them.

Legend: K tasks in the step.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import Tensor

from catscale.balancing.contract import Request
from catscale.balancing.engine.buckets import send_there
from catscale.balancing.engine.losses import MixedLoss
from catscale.balancing.engine.owned_batch import OwnedBatch
from catscale.balancing.engine.sharing import StepPlan
from catscale.data.batching import Batch
from catscale.data.joining import join_batches, plan_joins
from catscale.distributed.processes import Processes
from catscale.distributed.sharding import is_sharded
from catscale.model.autocast import compute_in
from catscale.model.compiled import is_compiled
from catscale.model.layer_casts import LayerCasts, may_cast_layers
from catscale.model.pass_size import count_kept
from catscale.training.dealt_batches import Shape, count_parts, dealt_shapes, share
from catscale.training.one_pass_rule import OnePassRule
from catscale.training.repeated_dropout import DropoutByTask
from catscale.training.setup import TrainingSetup

CPU_LAUNCH, LAUNCH = 200.0, 1.4e12
"""Positions that a processor computes in the time that the start of a pass takes, as measured with presets tiny and
small; on other devices positions times parameters, reckoned from 1,577 operations of 7 µs and 40% of an H200's peak."""

Flags = Callable[[], Sequence[float]]
"""A function that returns numbers to be summed over the processes."""
TaskParts = Sequence[tuple[str, Batch]]
"""Sub-batches, each with its task."""
NotedNll = dict[str, dict[int, Tensor]]
"""NLL of what was computed, by task and by what computed it."""


@dataclass(frozen=True)
class StepLosses:
    """The losses that one process computes in a step.

    Attributes:
        losses: Functions by task that add up to the task's loss; of the tasks that this process holds.
        tokens: Target tokens of each of these.
        batch: Functions that compute the same losses together, of several tasks in a pass; None where none are joined.
        counts: Target tokens of each of the K tasks, over all processes.
        nll: NLL of each sub-batch that was computed, by task.
        plan: The step over all processes, where there are several.
        flags: A function that returns more numbers to be summed over them with the step's.
        together: NLL of each pass over several tasks, by task, where none of the task's sub-batches was computed by
            itself.
        kept_casts: Returns a context in which passes share casts of parameters.
    """

    losses: dict[str, list[Callable[[], Tensor]]]
    tokens: dict[str, float]
    batch: list[MixedLoss] | None
    counts: dict[str, int]
    nll: NotedNll
    plan: StepPlan | None = None
    flags: Flags = tuple
    together: NotedNll = field(default_factory=dict)
    kept_casts: Callable[[], AbstractContextManager[object]] = nullcontext

    def pack(self) -> Tensor:
        """Return what `pack_nll` does, followed by the flags."""
        nll = self.pack_nll()
        return torch.cat([nll, send_there(self.flags(), nll)])

    def read_flags(self, report: Sequence[float]) -> list[float]:
        """Return the sums of the flags over all processes, none where `report`, which holds them, is empty."""
        return list(report[len(self.nll) :])

    def pack_nll(self) -> Tensor:
        """Return this process's (K,) float64 NLL by task, in nats, summed over its tokens; on the device."""
        noted = [list((own or self.together.get(task, {})).values()) for task, own in self.nll.items()]
        found = next((value for values in noted for value in values), None)
        zero = torch.zeros((), dtype=torch.float64) if found is None else torch.zeros_like(found)
        return torch.stack([torch.stack([zero, *values]).sum() for values in noted])

    def sum_nll(self, report: Sequence[float], processes: Processes) -> dict[str, float]:
        """Return the NLL of each of the K tasks over all processes.

        Args:
            report: The sums of `pack` over them; empty where they were not read in the step.
            processes: The processes.
        """
        sums = report[: len(self.nll)] or processes.sum(self.pack_nll().tolist())
        return dict(zip(self.nll, sums, strict=True))


class LossBuilder:
    """Turns the sub-batches of a step into losses.

    Args:
        setup: The run's parts. Its objective gives the losses of a batch, its balancer says what a task's summed loss
            is divided by, its processes share the sub-batches.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        self.objective, self.balancer, self.processes = setup.objective, setup.balancer, setup.processes
        self.smoothing, self.autocast = setup.config.label_smoothing, setup.precision.dtype
        self.pad = setup.vocabulary.pad_id
        self.limit = setup.config.joint_limit(setup.vocabulary.size, count_kept(setup.model))
        repeated = setup.config.repeated_dropout
        self.dropout = None if repeated is None else DropoutByTask(repeated, setup.model, setup.stream)
        self.joins, self.is_sharded = setup.model.mixes_directions and repeated is None, is_sharded(setup.model)
        parameters = sum(parameter.numel() for parameter in setup.model.parameters())
        self.launch = CPU_LAUNCH if setup.model.device.type == "cpu" else LAUNCH / parameters
        self.one_pass = OnePassRule(setup, self.launch, self.limit)
        self.casts = LayerCasts(self.objective, setup.model.layers())
        is_kept = not self.is_sharded and not setup.config.gradient_checkpointing
        self.may_cast = may_cast_layers(setup.model) and is_kept

    def build(self, batches: Mapping[str, list[Batch]], request: Request, flags: Flags = tuple) -> StepLosses:
        """Build the losses of a step's sub-batches, by task.

        Args:
            batches: The sub-batches.
            request: The measurements that are made on them.
            flags: Returns more numbers that are summed over the processes with the step's.
        """
        counts = {task: sum(batch.tokens for batch in parts) for task, parts in batches.items()}
        nll: NotedNll = {task: {} for task in batches}
        together: NotedNll = {task: {} for task in batches}
        is_joined = request.kind == "nothing" or self.one_pass.holds(batches, request, self._look)
        parted = Request() if is_joined else request
        own = self._own(batches, parted)
        tokens = {task: float(sum(batch.tokens for batch in parts)) for task, parts in own.items()}
        units: Mapping[str, float] = counts
        noted = nll, together
        if not own and self.is_sharded:  # which computes in step: a loss that counts nothing
            task, parts = next(iter(batches.items()))
            own, tokens, units, noted = {task: parts[:1]}, {task: 1e-9}, {task: math.inf}, ({task: {}}, {task: {}})
        losses = {
            task: [self._loss(batch, self._unit(units, task), noted[0][task]) for batch in parts]
            for task, parts in own.items()
        }
        joined = self._join(own, units, noted[1], request.kind != "nothing") if is_joined else None
        plan = self._plan(batches, counts, parted)
        keep = self._keep_casts if request.kind == "nothing" else nullcontext
        return StepLosses(losses, tokens, joined, counts, nll, plan, flags, together, keep)

    def _keep_casts(self) -> AbstractContextManager[None]:
        """Return a context in which layers are cast as one, where nothing else looks at their parameters."""
        is_plain = self.may_cast and not is_compiled(self.objective.model)
        return self.casts.kept(self.autocast if is_plain else None)

    def _look(self, task: str, batch: Batch) -> OwnedBatch:
        """Return one sub-batch as a mixed one, which notes nothing."""
        return self._owned_loss([(task, batch)], {task: 1}, {task: {}})

    def _plan(self, batches: Mapping[str, list[Batch]], counts: Mapping[str, int], request: Request) -> StepPlan | None:
        """Return what every process knows of the step, where there are several.

        Args:
            batches: The sub-batches of all of them.
            counts: Their target tokens by task.
            request: The measurements on single tasks: none where passes hold several.
        """
        is_joined = request.kind == "nothing"
        size, amounts = self.processes.size, {task: float(count) for task, count in counts.items()}
        if size == 1:
            return None
        if not self.is_sharded:
            return StepPlan(amounts, {}, int(is_joined))
        passes = self._count_passes(batches, size) if self.joins and is_joined else 0
        join = None if is_joined or request.halves else self._plan_joins
        return StepPlan(amounts, count_parts(batches, size, request.halves, join), passes)

    def _count_passes(self, batches: Mapping[str, list[Batch]], size: int) -> int:
        """Return the most passes over several tasks that one of the processes computes, at least one."""
        each = [[shape for found in mine.values() for shape in found] for mine in dealt_shapes(batches, size)]
        return max(1, *(len(self._plan_joins(shapes)) for shapes in each))

    def _plan_joins(self, shapes: Sequence[Shape]) -> list[list[int]]:
        """Return the sub-batches of each pass over several of them, by number."""
        return plan_joins(shapes, self.launch, self.limit)

    def _join(
        self,
        own: Mapping[str, list[Batch]],
        counts: Mapping[str, float],
        nll: NotedNll,
        is_measured: bool,
    ) -> list[MixedLoss] | None:
        """Return functions that compute this process's losses, of several tasks each; None where none are joined.

        Always of a sharded model, since the processes compute in step, and where they tell of each task's gradient.
        """
        if not self.joins:
            return None
        parts = [(task, part) for task, found in own.items() for part in found]
        plan = self._plan_joins([part.shape for _, part in parts])
        if len(plan) == len(parts) and not (self.is_sharded or is_measured):
            return None
        make = self._owned_loss if is_measured else self._joined_loss
        return [make([parts[number] for number in numbers], counts, nll) for numbers in plan]

    def _joined_loss(self, parts: TaskParts, counts: Mapping[str, float], nll: NotedNll) -> MixedLoss:
        """Return a function that computes the parts of their tasks' losses, and notes their NLL the first time."""
        tasks, owners = _number_tasks(parts)
        joined = cache(lambda: join_batches([part for _, part in parts], owners, self.pad))

        def compute() -> dict[str, Tensor]:
            device = self.objective.model.device
            with compute_in(self.autocast, device):
                losses, totals = self.casts(joined().to(device), self.smoothing, len(tasks))
            for place, task in enumerate(tasks):
                nll[task].setdefault(id(compute), totals[place])
            return {task: losses[place] / self._unit(counts, task) for place, task in enumerate(tasks)}

        return compute

    def _owned_loss(self, parts: TaskParts, counts: Mapping[str, float], nll: NotedNll) -> OwnedBatch:
        """Return the same, with the owners of its rows."""
        tasks, owners = _number_tasks(parts)
        rows = torch.tensor([[len(part.labels), part.tokens] for _, part in parts])
        sentences, tokens = (torch.repeat_interleave(torch.tensor(owners), each) for each in rows.unbind(1))
        return OwnedBatch(self._joined_loss(parts, counts, nll), tasks, sentences, tokens)

    def _own(self, batches: Mapping[str, list[Batch]], request: Request) -> dict[str, list[Batch]]:
        """Return this process's sub-batches, in halves if these are compared and a task has only one; those of a task
        joined if they are measured otherwise."""
        mine = share(batches, self.processes)
        if request.halves:
            return {task: parts if len(parts) > 1 else parts[0].halves() for task, parts in mine.items()}
        if request.kind == "nothing":
            return mine
        return {task: self._join_parts(parts) for task, parts in mine.items()}

    def _join_parts(self, parts: list[Batch]) -> list[Batch]:
        """Return the sub-batches of one task in fewer ones, where one pass for some of them is faster."""
        plan = self._plan_joins([part.shape for part in parts])
        if len(plan) == len(parts):
            return parts
        groups = [[parts[number] for number in numbers] for numbers in plan]
        return [join_batches(group, [0] * len(group), self.pad).batch if group[1:] else group[0] for group in groups]

    def _unit(self, counts: Mapping[str, float], task: str) -> float:
        """Return the divisor of a task's summed loss: its own tokens, or those of the whole step."""
        return counts[task] if self.balancer.method.losses == "tasks" else sum(counts.values())

    def _loss(self, batch: Batch, unit: float, nll: dict[int, Tensor]) -> Callable[[], Tensor]:
        """Return a function that computes a sub-batch's part of its task's loss, and notes its NLL the first time."""
        device, dropout = self.objective.model.device, self.dropout
        dropped = 0.0 if dropout is None else dropout.share(str(batch.direction))

        def compute() -> Tensor:
            with compute_in(self.autocast, device), nullcontext() if dropout is None else dropout.at(dropped):
                loss, total = self.casts(batch.to(device), self.smoothing)
            nll.setdefault(id(batch), total)
            loss_share: Tensor = loss / unit
            return loss_share

        return compute


def _number_tasks(parts: TaskParts) -> tuple[list[str], list[int]]:
    """Return the tasks of parts, and the number in them of each part's task."""
    tasks = list(dict.fromkeys(task for task, _ in parts))
    return tasks, [tasks.index(task) for task, _ in parts]
