"""A step that measures the products of all tasks' gradients with their sum in one forward and one backward pass.

Legend: K tasks, g_n gradient and w_n weight of task n, c = Σ w_n g_n the combined gradient.

The backward pass of Σ w_n L_n over mixed batches leaves c in `.grad`. What each layer took in and what came back to it
are kept meanwhile, and give the products ⟨w_n g_n, c⟩ row by row (`catscale.balancing.engine.parameter_uses`): one
product of matrices a layer beside the three of a plain step, for any number of tasks, and no gradient of a single one.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from catscale.balancing.contract import Request, Signals
from catscale.balancing.engine.backward import GradientTaker
from catscale.balancing.engine.gramian import Scales
from catscale.balancing.engine.held_gradients import Measured, find_overflow
from catscale.balancing.engine.losses import Work, check_covered
from catscale.balancing.engine.metric import in_metric
from catscale.balancing.engine.mixed_passes import MixedPass, join_lists, run_mixed, try_together
from catscale.balancing.engine.parameter_uses import Vector
from catscale.balancing.engine.ranks import take_local


def may_take_one_pass(taker: GradientTaker, work: Work, known: Tensor, request: Request) -> bool:
    """Return whether a step asks for products alone, of tasks that all have weight in its sum, and has mixed batches.

    The answer is the same on all processes.

    Args:
        taker: Runs the backward passes.
        work: The tasks of the step.
        known: (K,) weights.
        request: The measurements to make.
    """
    is_served = request == Request("products", metric=request.metric) and work.is_mixed and not taker.ranks.is_sharded
    return is_served and bool((known != 0).all())


class OnePass:
    """The one pass of a step.

    Args:
        taker: Runs the backward passes.
        work: The tasks of the step, with mixed batches.
        known: (K,) weights, none of them 0.
        scale: The gradient scaler's scale.
        scales: The request's metric: the factors on each parameter's gradient, none where they are 1.
    """

    is_joined = True

    def __init__(self, taker: GradientTaker, work: Work, known: Tensor, scale: float, scales: Scales) -> None:
        self.taker, self.work, self.weights = taker, work, known.double()
        self.scale, self.scales = scale, scales

    def collect(self) -> Measured | None:
        """Run it; the combined gradient is in `.grad` afterwards.

        Returns:
            None where a process does not know whose the rows of some layer are: gradients and random numbers are then
            as before.
        """
        taker, work = self.taker, self.work
        passes = try_together(taker, work, partial(run_mixed, taker, work, by_hooks=True))
        if passes is None:
            return None
        losses = join_lists([each.losses for each in passes], len(work.names))
        check_covered(work, losses)
        taker.step.set_aside()
        factors = taker.factors(work, self.weights, self.scale)
        for number, each in enumerate(passes):
            taker.run_pass(work, each.losses, factors, number + 1 == len(passes))
        taker.step.sum_all()
        return self._measure(passes, taker.add_losses(work, losses))

    def _measure(self, passes: Sequence[MixedPass], losses: Tensor) -> Measured:
        """Return this process's losses, and the products, over all processes."""
        work, taker = self.work, self.taker
        combined = in_metric([take_local(parameter.grad) for parameter in taker.parameters], self.scales)
        parts = zip(taker.parameters, combined, strict=True)
        vector = {id(parameter): part for parameter, part in parts if part is not None}
        products = self._by_task(passes, vector)
        losses, found = taker.ranks.sum(torch.stack([losses.to(products.device), products]))
        found = found / (self.weights * self.scale**2)
        overflow = found
        if not found.isfinite().all():
            overflow = find_overflow(taker.ranks.sum(self._by_task(passes, None)), found)
        signals = Signals(work.task_ids, losses, products=found)
        return Measured(signals, None, (self.weights @ found).item(), overflow=overflow)

    def _by_task(self, passes: Sequence[MixedPass], vector: Vector | None) -> Tensor:
        """Return this process's (K,) float64 part of the products; without a vector, of what tells a finite g_n."""
        total = torch.zeros(len(self.work.names), dtype=torch.float64, device=self.taker.parameters[0].device)
        with torch.no_grad(), torch.autocast(self.taker.parameters[0].device.type, enabled=False):
            for each in passes:
                found = each.batch.squares(each.uses) if vector is None else each.batch.multiply(each.uses, vector)
                zero = next(iter(found.values())).new_zeros(())
                total = total.to(zero.device) + torch.stack([found.get(name, zero) for name in self.work.names])
        return total

    def combine(self, weights: Tensor) -> None:
        """Add what was there before; the weights are those of the pass."""
        self.taker.step.add_before()
