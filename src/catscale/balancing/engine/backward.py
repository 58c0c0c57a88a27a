"""The backward passes of a step, and where their gradients go.

Legend: K tasks, L_n loss, w_n weight of task n, s the scale of a gradient scaler, f_n what the loss of this process
is multiplied by (its share of the task, and what makes up for averaging, see `Work` and `Ranks`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from catscale.balancing.engine.buckets import send_there
from catscale.balancing.engine.first_step import check_reach
from catscale.balancing.engine.losses import (
    LossPart,
    MixedLoss,
    Work,
    check_covered,
    check_finite,
    evaluate,
    make_unfinite_error,
    sum_lists,
)
from catscale.balancing.engine.ranks import Ranks
from catscale.balancing.engine.reading import (
    Report,
    SentNumbers,
    StepNumbers,
    have_finite_parts,
    read_numbers,
    send_numbers,
)
from catscale.balancing.engine.run_backward import run_backward, weigh
from catscale.balancing.engine.step_gradients import StepGradients, put_gradients, take_gradients
from catscale.errors import ConfigError
from catscale.system.misuse import describe

Returned = TypeVar("Returned")


class GradientTaker:
    """Runs the backward passes of a step.

    Args:
        parameters: The shared ones.
        others: The trainable ones beside them; None where they are not known.
        ranks: The processes.
        module: The model as it is called; None where it is not known.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        others: Sequence[Tensor] | None,
        ranks: Ranks,
        module: torch.nn.Module | None = None,
    ) -> None:
        self.parameters, self.others, self.ranks = list(parameters), list(others or []), ranks
        self._knows_others = others is not None or ranks.is_sharded
        self.step = StepGradients(self.parameters, self.others, ranks, module)
        self._known: set[str] = set()  # tasks whose loss is known to depend on the parameters

    def evaluate(self, name: str, part: LossPart) -> Tensor:
        """Return the loss of one part, with its graph.

        Raises:
            ConfigError: If it is none, was computed by a function that changed gradients, or depends on no parameter.
        """
        compute = partial(evaluate, name, part)
        is_there = isinstance(part, Tensor)
        loss = compute() if is_there else self._watch(compute, f"the function of the loss of task {name!r}", "loss")
        if name not in self._known and not self.ranks.is_sharded:  # a shard is not what the graph holds
            check_reach(name, loss, self.parameters)
            self._known.add(name)
        return loss

    def evaluate_mixed(self, work: Work, part: MixedLoss) -> list[list[Tensor]]:
        """Return the K lists of the losses of a mixed batch, one or none each, with their graph.

        Raises:
            ConfigError: If it is no table of losses of the step's tasks, or one of them is none.
        """
        found = self._watch(part, "batch", "losses")
        if not isinstance(found, Mapping) or not found or not set(found) <= set(work.names):
            names = list(found) if isinstance(found, Mapping) else describe(found)
            raise ConfigError(
                f"batch must return losses by task, for some of the step's tasks {work.names}, found {names}; return "
                "{task: loss, …}"
            )
        return [[self.evaluate(name, found[name])] if name in found else [] for name in work.names]

    def _marks(self) -> list[tuple[int, int]]:
        """Return a mark per parameter that changes with every gradient that is set, added to or dropped."""
        gradients = (tensor.grad for tensor in (*self.parameters, *self.others))
        return [(0, 0) if gradient is None else (id(gradient), gradient._version) for gradient in gradients]

    def _watch(self, function: Callable[[], Returned], who: str, what: str) -> Returned:
        """Return what a function returns.

        Raises:
            ConfigError: If it changed gradients.
        """
        before = self._marks()
        found = function()
        if self._marks() != before:
            raise ConfigError(
                f"{who} must return the {what} and leave gradients alone, found that it changed some; call neither "
                "backward nor zero_grad in it"
            )
        return found

    def read(self, values: Tensor, report: Report | None = None) -> StepNumbers:
        """Read values of this process, the norm of its gradients and a report, see `read_numbers`."""
        return read_numbers(values, (*self.parameters, *self.others), self.ranks, report)

    def send(self, values: Tensor, report: Report | None = None) -> SentNumbers:
        """Send them on their way to the host, see `send_numbers`."""
        return send_numbers(values, (*self.parameters, *self.others), self.ranks, report)

    def are_finite(self) -> bool:
        """Return whether all gradients are finite, on all processes."""
        fault = not have_finite_parts((*self.parameters, *self.others))
        return not (self.ranks.maximum(torch.tensor(float(fault))) if self.ranks.is_sharded else fault)

    def blame(self, work: Work) -> None:
        """Find the task that spoilt a combined gradient, by computing its gradients again, one by one.

        Raises:
            DivergedError: Always, naming the task where it can be found.
        """
        self.step.drop()
        sizes = torch.zeros(len(work.names), dtype=torch.float64)
        for index, (name, parts) in enumerate(zip(work.names, work.parts, strict=True)):
            if work.are_all_functions and not self.ranks.is_sharded:
                self.backward_parts(name, parts, 1.0, keep_graph=False)
                sizes[index] = 0.0 if self.are_finite() else math.inf
                self.step.drop()
        check_finite(work.names, self.ranks.maximum(sizes), "gradient")
        raise make_unfinite_error(work.names)

    def factors(self, work: Work, weights: Tensor, scale: float) -> list[float]:
        """Return the K factors w_n f_n s."""
        each = scale * self.ranks.gradient_factor
        return [weight * share * each for weight, share in zip(weights.tolist(), work.shares, strict=True)]

    def add_losses(self, work: Work, values: Sequence[Sequence[Tensor]]) -> Tensor:
        """Return this process's (K,) part of the losses, on the device."""
        sums = sum_lists(values)
        return sums if set(work.shares) == {1.0} else sums * send_there(work.shares, sums)

    def sum_losses(self, work: Work, values: Sequence[Sequence[Tensor]]) -> Tensor:
        """Return the (K,) float64 losses over all processes, on the CPU, from the K lists of this one's parts."""
        return self.ranks.sum(self.add_losses(work, values))

    def backward_weighted(self, work: Work, weights: Tensor, scale: float) -> Tensor:
        """Run the backward pass of Σ w_n L_n and return what `add_losses` gives.

        Functions are called and differentiated one by one; tensors, which may share a graph, all at once.
        """
        if self.ranks.size > 1:
            self.step.set_aside()
        factors = self.factors(work, weights, scale)
        values = self._run_mixed(work, factors) if work.mixed else self._run_parts(work, factors)
        self.step.bring_back()
        return self.add_losses(work, values)

    def _run_mixed(self, work: Work, factors: Sequence[float]) -> list[list[Tensor]]:
        """Run the backward passes of the mixed batches one by one, and return the losses of each task."""
        values: list[list[Tensor]] = [[] for _ in work.names]
        for number, part in enumerate(work.mixed):
            graphs = self.evaluate_mixed(work, part)
            self.run_pass(work, graphs, factors, number + 1 == len(work.mixed))
            for found, losses in zip(values, graphs, strict=True):
                found += [loss.detach() for loss in losses]
        check_covered(work, values)
        return values

    def _run_parts(self, work: Work, factors: Sequence[float]) -> list[list[Tensor]]:
        """Run the backward passes of the parts of each task, and return their losses."""
        values: list[list[Tensor]] = []
        shared: list[Tensor] = []
        left = work.count_passes()
        for name, parts, factor in zip(work.names, work.parts, factors, strict=True):
            values.append([])
            for part in parts:
                loss = self.evaluate(name, part)
                values[-1].append(loss.detach())
                if isinstance(part, Tensor):
                    shared.append(loss * factor)
                else:
                    left -= 1
                    with self.step.passing_of_step(not left, [loss]):
                        run_backward(name, loss * factor)
        if shared:
            with self.step.passing_of_step(True, shared):
                run_backward(", ".join(work.names), shared)
        return values

    def evaluate_all(self, work: Work) -> tuple[Tensor, list[list[Tensor]]]:
        """Return the (K,) losses, and the graphs of all of them."""
        mixed = [self.evaluate_mixed(work, part) for part in work.mixed]
        graphs = [
            [loss for found in mixed for loss in found[place]] if mixed else [self.evaluate(name, p) for p in parts]
            for place, (name, parts) in enumerate(zip(work.names, work.parts, strict=True))
        ]
        check_covered(work, graphs)
        return self.sum_losses(work, graphs), graphs

    def backward_all(self, work: Work, graphs: list[list[Tensor]], weights: Tensor, scale: float) -> None:
        """Run the backward pass of Σ w_n L_n through the graphs of `evaluate_all`."""
        if self.ranks.size > 1:
            self.step.set_aside()
        self.run_pass(work, graphs, self.factors(work, weights, scale), True)
        self.step.bring_back()

    def run_pass(self, work: Work, graphs: Sequence[Sequence[Tensor]], factors: Sequence[float], is_last: bool) -> None:
        """Run one backward pass of a step.

        Args:
            work: The step.
            graphs: The K lists of losses whose pass it is.
            factors: (K,) their factors.
            is_last: Whether it is the last one.
        """
        if terms := weigh(graphs, factors):
            with self.step.passing_of_step(is_last, terms):
                run_backward(", ".join(work.names), terms)

    def backward_parts(
        self,
        name: str,
        parts: Sequence[LossPart],
        factor: float,
        keep_graph: bool,
        inputs: Sequence[Tensor] | None = None,
    ) -> list[Tensor]:
        """Run the backward pass of one task's parts, one by one, and return their losses.

        Args:
            name: The task.
            parts: The parts of its loss.
            factor: The factor on the loss.
            keep_graph: Whether tensors among the parts share a graph with what follows.
            inputs: Parameters that gradients reach; None for all of them.
        """
        values = []
        for index, part in enumerate(parts):
            loss = self.evaluate(name, part)
            keep = isinstance(part, Tensor) and (keep_graph or index + 1 < len(parts))
            with self.step.passing(index + 1 == len(parts)):
                run_backward(name, loss * factor, keep, inputs)
            values.append(loss.detach())
        return values

    def backward_silently(self, name: str, parts: Sequence[LossPart], factor: float, keep_graph: bool) -> list[Tensor]:
        """Run the backward pass of one task's parts for the shared parameters alone, and return their losses."""
        if not self._knows_others:
            return self.backward_parts(name, parts, factor, keep_graph, inputs=self.parameters)
        kept = take_gradients(self.others)
        values = self.backward_parts(name, parts, factor, keep_graph)
        put_gradients(self.others, kept)
        return values
