"""A step that holds the gradients of all tasks while the method looks at their products.

Legend: K tasks, P groups of parameters, g_n gradient and w_n weight of task n. A row is g_n times its unit: the scale
of a gradient scaler and, where the weights are known before the step, w_n, so that parameters beside the shared ones
receive weighted gradients as in a plain step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from catscale.balancing.contract import Request, Signals
from catscale.balancing.engine.backward import GradientTaker
from catscale.balancing.engine.gramian import Scales, gramian, products, squared_norms
from catscale.balancing.engine.losses import LossPart, Work
from catscale.balancing.engine.ranks import take_local
from catscale.balancing.engine.step_gradients import TaskGradient, put_gradients, take_gradients
from catscale.balancing.engine.unbiased import find_half, unbiased_square

RunParts = Callable[..., list[Tensor]]
"""Runs the backward passes of some parts of a task, as `GradientTaker.backward_parts` does."""


@dataclass(frozen=True)
class Measured:
    """The measurements of a step, unscaled, float64, over all processes, in the metric of the request.

    Attributes:
        signals: The signals as the method is shown them.
        squares: (K,) ‖g_n‖² over the measured parameters, noise and all; None where they are not known.
        curvature: ‖Σ w_n g_n‖² over all shared parameters, where it follows from weights known before the step.
        gramians: (P, K, K), noise and all, where they were asked for.
        overflow: (K,) numbers that are finite where what was measured of a task is; `squares` where None.
        expected: (K,) ‖μ_n‖² of the expected gradients, where two halves were compared; it may be negative.
    """

    signals: Signals
    squares: Tensor | None
    curvature: float | None = None
    gramians: Tensor | None = None
    overflow: Tensor | None = None
    expected: Tensor | None = None

    def finite_by_task(self) -> Tensor:
        """Return (K,) numbers that are finite where a task's measurements are."""
        found = self.overflow if self.overflow is not None else self.squares
        assert found is not None
        return found


def find_overflow(squares: Tensor, found: Tensor) -> Tensor:
    """Return the (K,) squared norms if one of them is not finite, the products otherwise.

    One task's gradient that is not finite spoils the products of all tasks, which do not tell whose it was.
    """
    return found if squares.isfinite().all() else squares


class HeldGradients:
    """The K gradients of one step.

    Args:
        taker: Runs the backward passes.
        work: The tasks of the step.
        known: (K,) weights, where they are known before the step.
        scale: The gradient scaler's scale.
        request: The measurements to make.
        groups: Positions of the parameters of the groups to be measured, one list per group.
        scales: The request's metric: the factors on each parameter's gradient, none where they are 1.
        apart: Whether nothing is to be left in `.grad`; halves are compared in any case then.

    Attributes:
        is_joined: Whether they were found in passes over several tasks.
    """

    def __init__(
        self,
        taker: GradientTaker,
        work: Work,
        known: Tensor | None,
        scale: float,
        request: Request,
        groups: Sequence[Sequence[int]],
        scales: Scales = (),
        apart: bool = False,
    ) -> None:
        self.taker, self.work, self.request, self.scale = taker, work, request, scale
        self.known = known is not None
        self.weights = torch.ones(len(work.names), dtype=torch.float64) if known is None else known.double()
        self.units = scale * self.weights.where(self.weights != 0, 1.0)
        measured = sorted(index for group in groups for index in group)
        self.held = measured if self.known else list(range(len(taker.parameters)))
        self.tensors = [taker.parameters[index] for index in self.held]
        self.loose = [taker.parameters[index] for index in sorted(set(range(len(taker.parameters))) - set(self.held))]
        places = {index: place for place, index in enumerate(self.held)}
        self.groups = [[places[index] for index in group] for group in groups]
        self.scales = [scales[index] for index in self.held] if scales else []
        self.rows: list[TaskGradient] = []
        self.apart, self.compares = apart, request.halves or apart
        self.are_summed = request.kind in ("gramian", "norms") or self.compares
        self.is_joined = False
        self._firsts = torch.zeros(3, len(work.names), dtype=torch.float64)  # ‖g¹‖², ⟨g¹, g⟩, share of g¹

    def collect(self) -> Measured:
        """Run the K backward passes and measure."""
        self.taker.step.set_aside()
        factors = self.taker.factors(self.work, self.units, 1.0)
        values, arriving = [], []
        for index, (name, parts) in enumerate(zip(self.work.names, self.work.parts, strict=True)):
            is_alone = self.apart or not self.weights[index]
            run: RunParts = self._backward_alone if is_alone else self.taker.backward_parts
            count = self.work.counts[index]
            half = find_half(count) if self.compares else 0
            keep = index + 1 < len(self.work.parts)
            run = partial(self._run_each, run) if self.compares else run
            found = run(name, parts[:half], factors[index], True) if half else []
            first = [None if t.grad is None else t.grad.clone() for t in self.tensors] if self.compares else []
            found += run(name, parts[half:], factors[index], keep)
            arriving.append(self._begin_row(take_gradients(self.tensors)))
            if self.compares:
                self._compare_halves(index, first, arriving[-1](), self.work.portions[index] * half / max(1, count))
            values.append(found)
        self.rows = [row() for row in arriving]
        return self._measure(self.taker.sum_losses(self.work, values))

    @staticmethod
    def _run_each(run: RunParts, name: str, parts: Sequence[LossPart], factor: float, keep: bool) -> list[Tensor]:
        """Run a half's backward passes each by itself: shards are summed after each, for halves differ by process."""
        last = len(parts) - 1
        return [value for n, part in enumerate(parts) for value in run(name, [part], factor, keep or n < last)]

    def _begin_row(self, row: TaskGradient) -> Callable[[], TaskGradient]:
        """Return a function that waits for a task's gradient to be summed over the processes."""
        return self.taker.ranks.begin_sum(self.tensors, row) if self.are_summed else lambda: row

    def _backward_alone(self, name: str, parts: Sequence[LossPart], factor: float, keep: bool) -> list[Tensor]:
        """Run the backward pass of a task of weight 0, which must reach only held parameters."""
        kept = take_gradients(self.loose)
        values = self.taker.backward_silently(name, parts, factor, keep)
        put_gradients(self.loose, kept)
        return values

    def _compare_halves(self, index: int, first: TaskGradient, row: TaskGradient, share: float) -> None:
        """Note the products of a task's first half."""
        first = self.taker.ranks.sum_gradients(self.tensors, first)
        parts = [[take_local(gradient) for gradient in gradients] for gradients in (first, row)]
        found = gramian(parts, self.scales)
        self._firsts[:, index] = torch.stack([found[0, 0], found[0, 1], torch.tensor(share, dtype=torch.float64)])

    def _measure(self, losses: Tensor) -> Measured:
        """Return the products of the rows, over all processes."""
        ids, units = self.work.task_ids, self.units
        rows = [[take_local(gradient) for gradient in row] for row in self.rows]
        if self.request.kind == "products":
            return self._measure_products(losses, rows)
        if self.request.kind == "norms":
            found = squared_norms(_pick(rows, self.groups[0]), self._pick_scales(self.groups[0]))
            squares = self._over_shards(found) / units**2
            expected, shown = self._without_noise(squares)
            signals = Signals(ids, losses, norms=shown.clamp(min=0).sqrt())
            return Measured(signals, squares, expected=expected)
        found = torch.stack([gramian(_pick(rows, group), self._pick_scales(group)) for group in self.groups])
        gramians = self._over_shards(found) / torch.outer(units, units)
        squares = gramians.diagonal(dim1=1, dim2=2).sum(0)
        expected, shown_squares = self._without_noise(squares)
        shown = gramians.clone()
        if self.request.halves:
            # with several groups, each takes its part of the correction
            shown.diagonal(dim1=1, dim2=2).mul_(shown_squares / squares.clamp(min=1e-300))
        curvature = None
        if self.known and self.request.group is None:
            curvature = torch.einsum("i,pij,j->", self.weights, gramians, self.weights).item()
        signals = Signals(ids, losses, gramian=shown if self.request.per_group else shown[0])
        all_measured = gramians if self.request.group is None else None
        return Measured(signals, squares, curvature, all_measured, expected=expected)

    def _measure_products(self, losses: Tensor, rows: list[TaskGradient]) -> Measured:
        """Return the products with the combined gradient, which is summed over the processes first."""
        ranks, units = self.taker.ranks, self.units
        combined = self._weighted_sum(self.weights, keep_rows=True)
        if not self.are_summed:
            combined = ranks.sum_gradients(self.tensors, combined)
        put_gradients(self.tensors, combined)
        found, squares = products(rows, [take_local(gradient) for gradient in combined], self.scales)
        if ranks.size > 1 and (ranks.is_sharded or not self.are_summed):
            found, squares = ranks.sum(torch.stack([found, squares]))
        found = found / (units * self.scale)
        overflow, curvature = find_overflow(squares, found), (self.weights @ found).item()
        known_squares = None
        if ranks.size == 1 or ranks.is_sharded or self.are_summed:
            known_squares = squares / units**2
        expected = None
        if known_squares is not None:
            expected, shown = self._without_noise(known_squares)
            found = found + self.weights * (shown - known_squares)
        signals = Signals(self.work.task_ids, losses, products=found)
        return Measured(signals, known_squares, curvature, overflow=overflow, expected=expected)

    def _pick_scales(self, places: Sequence[int]) -> Scales:
        return [self.scales[place] for place in places] if self.scales else ()

    def _over_shards(self, values: Tensor) -> Tensor:
        """Sum the shards' products, or average those of replicas, so that no rounding tells processes apart."""
        ranks = self.taker.ranks
        return ranks.sum(values) if ranks.is_sharded else ranks.sum(values) / ranks.size

    def _without_noise(self, squares: Tensor) -> tuple[Tensor | None, Tensor]:
        """Return the (K,) squares without the noise's share, where halves were compared, and those that are shown."""
        if not self.compares:
            return None, squares
        first, cross = self._over_shards(self._firsts[:2]) / self.units**2
        expected = unbiased_square(squares, first, cross, self.taker.ranks.sum(self._firsts[2]))
        return expected, expected if self.request.halves else squares

    def combine(self, weights: Tensor) -> None:
        """Set `.grad` to what was there before plus Σ w_n g_n.

        Args:
            weights: (K,) or (P, K), one row per group.
        """
        if self.request.kind != "products":
            combined = self._weighted_sum(weights, keep_rows=False)
            put_gradients(self.tensors, combined)
        self.rows = []
        if self.are_summed:
            found = self.taker.ranks.sum_gradients(self.loose, [tensor.grad for tensor in self.loose])
            put_gradients(self.loose, found)
        self.taker.step.bring_back(are_summed=True)

    def _weighted_sum(self, weights: Tensor, keep_rows: bool) -> TaskGradient:
        """Return Σ w_n g_n of the held parameters, scaled as the loss was; in the memory of the rows unless they are
        kept."""
        table = (weights.double() * self.scale / self.units).expand(max(1, len(self.groups)), -1).tolist()
        grouped = {place for group in self.groups[1:] for place in group}
        first = [place for place in range(len(self.held)) if place not in grouped]
        combined: TaskGradient = [None] * len(self.held)
        for places, factors in zip([first, *self.groups[1:]], table, strict=True):
            for row, factor in zip(self.rows, factors, strict=True):
                _add_row(combined, row, places, factor, keep_rows)
        return combined


def _add_row(total: TaskGradient, row: TaskGradient, places: Sequence[int], factor: float, keep: bool) -> None:
    """Add a factor times some of a row's gradients to the total, in place, by a few operations for all of them.

    Args:
        total: Takes over what it lacks.
        row: One task's gradient; forgets what was added where it is not kept.
        places: Positions that are added.
        factor: The task's weight.
        keep: Whether the row keeps its gradients.
    """
    there = [(place, gradient) for place in places if (gradient := row[place]) is not None]
    known = [(held, gradient) for place, gradient in there if (held := total[place]) is not None]
    new = {place: gradient for place, gradient in there if total[place] is None}
    if known:
        torch._foreach_add_([held for held, _ in known], [gradient for _, gradient in known], alpha=factor)
    if new and keep:
        new = dict(zip(new, torch._foreach_mul(list(new.values()), factor), strict=True))
    elif new and factor != 1.0:
        torch._foreach_mul_(list(new.values()), factor)
    for place, gradient in new.items():
        total[place] = gradient
    if not keep:
        for place, _ in there:
            row[place] = None


def _pick(rows: Sequence[TaskGradient], places: Sequence[int]) -> list[TaskGradient]:
    return [[row[place] for place in places] for row in rows]
