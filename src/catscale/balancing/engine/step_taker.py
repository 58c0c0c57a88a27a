"""One step: what it measures, what it leaves in `.grad`, and the state and the repetition that follow.

Legend: K tasks, w_n weight of task n.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from catscale.balancing.contract import Method, Request, Signals, State
from catscale.balancing.engine.backward import GradientTaker
from catscale.balancing.engine.balanced_step import BalancedStep, GradientMeasurement, describe_step, table_of
from catscale.balancing.engine.deferred_step import DeferredStep, can_defer, unknown_losses
from catscale.balancing.engine.first_step import check_dense
from catscale.balancing.engine.groups import ParameterGroups
from catscale.balancing.engine.held_gradients import HeldGradients, Measured
from catscale.balancing.engine.joint_gradients import JointGradients, may_join
from catscale.balancing.engine.losses import Work, check_finite
from catscale.balancing.engine.metric import StepMetric
from catscale.balancing.engine.one_pass import OnePass, may_take_one_pass
from catscale.balancing.engine.reading import Report, StepNumbers
from catscale.balancing.engine.repetition import Repetition
from catscale.balancing.engine.requests import check_memory, check_request
from catscale.balancing.engine.two_passes import TwoPasses
from catscale.errors import ConfigError


@dataclass(frozen=True)
class TakenStep:
    """A step that was taken.

    Attributes:
        seen: The report of it.
        following: The state after it; None where the step was skipped.
        repetition: Its weights, as a method that repeats them; None too.
    """

    seen: BalancedStep
    following: State | None = None
    repetition: Repetition | None = None


class StepTaker:
    """Takes steps of a balancing method.

    Args:
        taker: Runs the backward passes.
        groups: The groups of the shared parameters.
        low_memory: Whether no gradient of a single task is held.
        measures: The request of the steps that measure.
    """

    def __init__(self, taker: GradientTaker, groups: ParameterGroups, low_memory: bool, measures: Request) -> None:
        self.taker, self.groups, self.low_memory, self.measures = taker, groups, low_memory, measures
        self.metric = StepMetric(taker.parameters, taker.ranks.is_sharded)

    def take(
        self,
        method: Method[Any],
        state: State,
        work: Work,
        scaler: "torch.amp.GradScaler | None",
        report: Report | None,
        apart: GradientMeasurement | None = None,
    ) -> TakenStep:
        """Take one step; arguments as of `TaskBalancer.backward`, of which `apart` is the measurement."""
        request, known = method.request(state), method.weights(state, work.task_ids)
        self.metric.check(method.name, self.measures if request.kind == "nothing" else request)
        device = self.taker.parameters[0].device
        scale = 1.0 if scaler is None else float(scaler.scale(torch.ones((), device=device)))
        may_overflow = scaler is not None and scaler.is_enabled()
        if request.kind == "nothing" or apart is not None:
            return self._take_at_once(method, state, work, known, scale, may_overflow, report, apart)
        gradients, measured = self._collect(method, work, known, scale, request)
        losses = measured.signals.losses
        check_finite(work.names, losses, "loss")
        if may_overflow and not measured.finite_by_task().isfinite().all():
            weights = torch.ones_like(losses) if known is None else known
            gradients.combine(weights)
            return TakenStep(BalancedStep(table_of(work.names, losses), table_of(work.names, weights), skipped=True))
        check_finite(work.names, measured.finite_by_task(), "gradient")
        weights, following = method.step(state, measured.signals)
        weights = weights.double().cpu()
        gradients.combine(weights)
        numbers = self.taker.read(losses.new_empty(0), report)
        seen = describe_step(work.names, losses, weights, GradientMeasurement(work.names, measured))
        repeated = Request() if isinstance(gradients, OnePass) else request  # the same pass, with the same weights
        is_joined = gradients.is_joined
        done = Repetition(method.name, method.losses, repeated, work.task_ids, weights, known is not None, is_joined)
        return self._end(work, seen, numbers, may_overflow, following, done)

    def _collect(
        self, method: Method[Any], work: Work, known: Tensor | None, scale: float, request: Request
    ) -> tuple[OnePass | TwoPasses | HeldGradients, Measured]:
        """Measure the gradients of the losses, in one pass over all tasks where that tells what is asked for."""
        if known is not None and may_take_one_pass(self.taker, work, known, request):
            one = OnePass(self.taker, work, known, scale, self.metric.scales(request))
            if (seen := one.collect()) is not None:
                return one, seen
            work = work.apart()
        gradients = self._gradients(method, work, known, scale, request)
        return gradients, gradients.collect()

    def _gradients(
        self, method: Method[Any], work: Work, known: Tensor | None, scale: float, request: Request, apart: bool = False
    ) -> TwoPasses | HeldGradients:
        """Return what measures the gradients of the losses, with or without holding them."""
        check_memory(method.name, request, self.low_memory)
        check_request(method.name, request, known)
        scales = self.metric.scales(request)
        if self.low_memory and known is not None:
            return TwoPasses(self.taker, work, known, scale, scales, apart)
        groups = self.groups.partition() if request.per_group else [self.groups.members(request.group)]
        is_joint = work.is_mixed and may_join(request, self.low_memory) and not self.taker.ranks.is_sharded
        make = JointGradients if is_joint else HeldGradients
        return make(self.taker, work, known, scale, request, groups, scales, apart)

    def measure(self, method: Method[Any], state: State, work: Work) -> GradientMeasurement:
        """Measure what the coming step asks for, and leave `.grad` as it is.

        Raises:
            ConfigError: If it asks for nothing, or for a matrix of each group of parameters.
            DivergedError: If a loss or gradient is not finite.
        """
        request, known = method.request(state), method.weights(state, work.task_ids)
        if request.kind == "nothing" or request.per_group:
            asks = "a Gram matrix of each group of parameters" if request.per_group else "nothing"
            raise ConfigError(
                f"gradients are measured apart for a step that asks for those of all parameters, found that "
                f"{method.name} asks for {asks}; look at TaskBalancer.request before, and set granularity: all"
            )
        self.metric.check(method.name, request)
        gradients = self._gradients(method, work, known, 1.0, request, apart=True)
        try:
            measured = gradients.collect()
        finally:
            self.taker.step.put_back()
        check_finite(work.names, measured.signals.losses, "loss")
        check_finite(work.names, measured.finite_by_task(), "gradient")
        return GradientMeasurement(work.names, measured)

    def _take_at_once(
        self,
        method: Method[Any],
        state: State,
        work: Work,
        known: Tensor | None,
        scale: float,
        may_overflow: bool,
        report: Report | None,
        apart: GradientMeasurement | None,
    ) -> TakenStep:
        """Take a step that measures no gradient of its own: one weighted backward pass."""
        is_known, following = known is not None, state
        if apart is not None:
            signals = apart.measured.signals
            found, following = method.step(state, signals)
            known = _pick(found, signals.task_ids, work) if known is None else known
        if known is None:
            losses, graphs = self.taker.evaluate_all(work)
            check_finite(work.names, losses, "loss")
            known, following = method.step(state, Signals(work.task_ids, losses))
            self.taker.backward_all(work, graphs, known, scale)
            numbers = self.taker.read(losses.new_empty(0), report)
        else:
            sums = self.taker.backward_weighted(work, known, scale)
            self._check_dense()
            numbers = self.taker.read(sums, report)
            losses = numbers.values
            check_finite(work.names, losses, "loss")
            if apart is None:
                known, following = method.step(state, Signals(work.task_ids, losses))
        seen = describe_step(work.names, losses, known, apart)
        done = Repetition(method.name, method.losses, Request(), work.task_ids, known, is_known)
        return self._end(work, seen, numbers, may_overflow, following, done)

    def _end(
        self,
        work: Work,
        seen: BalancedStep,
        numbers: StepNumbers,
        may_overflow: bool,
        following: State,
        done: Repetition,
    ) -> TakenStep:
        """Return the step with what was read of it, skipped where a gradient overflowed.

        Raises:
            DivergedError: If a gradient is not finite, measured or not.
        """
        result = replace(seen, report=numbers.report, norms=numbers.norms)
        if numbers.norms is not None or self.taker.are_finite():
            return TakenStep(result, following, done)
        if not may_overflow:
            self.taker.blame(work)
        return TakenStep(replace(result, skipped=True))

    def take_deferred(
        self, method: Method[Any], state: State, work: Work, report: Report | None
    ) -> tuple[DeferredStep, State, Repetition]:
        """Take a step of one weighted backward pass, whose numbers are read later.

        Returns:
            The step, the state after it, and its weights as a method that repeats them.

        Raises:
            ConfigError: If it measures gradients, or its weights depend on its losses.
        """
        self.metric.check(method.name, self.measures)
        known = method.weights(state, work.task_ids)
        if known is None or not can_defer(method, state, work.task_ids):
            raise ConfigError(
                f"a step is read later where it measures nothing and its method looks at no losses, found that "
                f"{method.name} does; call backward where may_defer is False"
            )
        sums = self.taker.backward_weighted(work, known, 1.0)
        self._check_dense()
        seen = DeferredStep(work.names, known.double().cpu(), self.taker.send(sums, report))
        _, following = method.step(state, Signals(work.task_ids, unknown_losses(len(work.names))))
        return seen, following, Repetition(method.name, method.losses, Request(), work.task_ids, known, True)

    def _check_dense(self) -> None:
        """Refuse sparse gradients of what a later step measures."""
        if self.measures.kind != "nothing":
            check_dense(self.taker.parameters[index] for index in self.groups.members(self.measures.group))


def _pick(weights: Tensor, ids: Tensor, work: Work) -> Tensor:
    """Return the (K,) weights of the step's tasks from those of the tasks that were measured.

    Raises:
        ConfigError: If one of them was not.
    """
    places = {task: place for place, task in enumerate(ids.tolist())}
    tasks = work.task_ids.tolist()
    if missing := [name for name, task in zip(work.names, tasks, strict=True) if task not in places]:
        raise ConfigError(
            f"the measurement must hold all tasks of the step, found no {', '.join(missing)}; measure these too"
        )
    return weights.double().cpu()[[places[task] for task in tasks]]
