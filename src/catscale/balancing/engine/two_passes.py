"""A step that holds no task's gradient: the products with the combined gradient from a second pass.

Legend: K tasks, g_n gradient and w_n weight of task n, c = Σ w_n g_n the combined gradient.

The first pass is a plain weighted step, whose gradient is c. The second computes every g_n again, on the random
numbers of the first, and multiplies it with c as soon as autograd has some parameters' gradients: beside c there are
never more of them than one block of products holds and one parameter's. The time of a second step; no memory that grows
with K. Sums stay on the device until the end.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from catscale.balancing.contract import Signals
from catscale.balancing.engine.backward import GradientTaker
from catscale.balancing.engine.generators import RandomState
from catscale.balancing.engine.gramian import Scales, block_numbers, products_there
from catscale.balancing.engine.held_gradients import Measured, find_overflow
from catscale.balancing.engine.losses import Work
from catscale.balancing.engine.metric import in_metric
from catscale.balancing.engine.ranks import take_local
from catscale.balancing.engine.step_gradients import TaskGradient, put_gradients, take_gradients
from catscale.errors import ConfigError


def require_functions(work: Work) -> None:
    """Refuse tensors.

    Raises:
        ConfigError: If a loss is one, whose graph would be gone after the first pass.
    """
    if not work.are_all_functions:
        raise ConfigError("low_memory computes each loss twice, found a tensor; give functions that return losses")


class TwoPasses:
    """Both passes of one step; arguments as for `HeldGradients`, whose halves it does not compare.

    Raises:
        ConfigError: If a loss is a tensor, whose graph would be gone after the first pass.
    """

    is_joined = False

    def __init__(
        self,
        taker: GradientTaker,
        work: Work,
        known: Tensor,
        scale: float,
        scales: Scales = (),
        apart: bool = False,
    ) -> None:
        require_functions(work)
        self.run = taker.backward_silently if apart else taker.backward_parts
        self.taker, self.work, self.weights, self.scale = taker, work, known.double(), scale
        self.scales, self.device = scales, taker.parameters[0].device
        self._random: list[list[RandomState]] = []

    def collect(self) -> Measured:
        """Run both passes; the combined gradient is in `.grad` afterwards."""
        taker, work = self.taker, self.work
        taker.step.set_aside()
        values: list[list[Tensor]] = []
        for name, parts, factor in zip(work.names, work.parts, self._factors(self.weights), strict=True):
            self._random.append([])
            values.append([])
            for part in parts:
                self._random[-1].append(RandomState.capture(self.device))
                values[-1] += self.run(name, [part], factor, keep_graph=False)
        afterwards = RandomState.capture(self.device)
        combined = taker.ranks.sum_gradients(taker.parameters, take_gradients(taker.parameters))
        losses = taker.sum_losses(work, values)
        found, squares = torch.full((2, len(losses)), torch.nan, dtype=torch.float64)
        if losses.isfinite().all():
            found, squares = self._multiply(in_metric([take_local(gradient) for gradient in combined], self.scales))
        afterwards.restore()
        put_gradients(taker.parameters, combined)
        signals = Signals(work.task_ids, losses, products=found)
        return Measured(signals, None, (self.weights @ found).item(), overflow=find_overflow(squares, found))

    def _factors(self, weights: Tensor) -> list[float]:
        return self.taker.factors(self.work, weights, self.scale)

    def _multiply(self, combined: TaskGradient) -> Tensor:
        """Return (2, K): ⟨g_n, c⟩ and the squares of g_n's pieces, which tell a finite g_n, unscaled, over all
        processes."""
        units = self.weights.where(self.weights != 0, 1.0)  # no larger than in the first pass: nothing overflows anew
        factors = self._factors(units)
        found: list[Tensor] = []
        for states, name, parts, factor in zip(self._random, self.work.names, self.work.parts, factors, strict=True):
            with _Products(self.taker.parameters, combined) as sums:
                for part, random in zip(parts, states, strict=True):
                    random.restore()
                    self.taker.backward_silently(name, [part], factor, keep_graph=False)
            found.append(sums.total())
        device = next((each.device for each in found if each.device.type != "cpu"), torch.device("cpu"))
        together = torch.stack([each.to(device) for each in found], 1).cpu()
        return self.taker.ranks.sum(together) / (units * self.scale**2)

    def combine(self, weights: Tensor) -> None:
        """Add what was there before; the weights are those of the first pass."""
        self.taker.step.bring_back(are_summed=True)


class _Products:
    """Inside the block, gradients are multiplied with a vector and dropped as they arrive."""

    def __init__(self, parameters: Sequence[Tensor], vector: TaskGradient) -> None:
        self.parameters, self.vector = parameters, vector
        self._sums: list[Tensor] = []
        self._hooks: list[Any] = []
        self._waiting: tuple[list[Tensor], list[Tensor]] = ([], [])  # gradients, and their parts of the vector
        self._limit = block_numbers(parameters[0].device) // 2

    def __enter__(self) -> "_Products":
        for parameter, part in zip(self.parameters, self.vector, strict=True):
            hook: Any = parameter.register_post_accumulate_grad_hook
            self._hooks.append(hook(self._hook(part)))
        return self

    def _hook(self, part: Tensor | None) -> Any:
        def multiply(parameter: Tensor) -> None:
            self._add(parameter, part)

        return multiply

    def _add(self, parameter: Tensor, part: Tensor | None) -> None:
        """Take a parameter's gradient, and multiply those that wait once they fill a block."""
        gradient = take_local(parameter.grad)
        parameter.grad = None
        if gradient is None or part is None:
            return
        gradients, parts = self._waiting
        gradients.append(gradient)
        parts.append(part)
        if sum(each.numel() for each in gradients) >= self._limit:
            self._multiply()

    def _multiply(self) -> None:
        """Multiply the gradients that wait."""
        gradients, parts = self._waiting
        if gradients:
            self._sums.append(products_there([gradients], parts)[:, 0])
            self._waiting = ([], [])

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()
        for parameter, part in zip(self.parameters, self.vector, strict=True):
            if parameter.grad is not None:  # sharded gradients arrive beside autograd's accumulation
                self._add(parameter, part)
        self._multiply()

    def total(self) -> Tensor:
        """Return the (2,) sums over parameters of the products and of the squares, where the gradients are."""
        return torch.stack(self._sums).sum(0) if self._sums else torch.zeros(2, dtype=torch.float64)
