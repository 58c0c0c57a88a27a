"""A step whose numbers the host reads later, while the device computes what comes after it.

For steps after which nothing depends on losses: nothing was measured, and the method does not look at them. Whether the
step was finite is known on the device at once, so that an optimiser can leave the parameters alone there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import nan
from typing import Any

import torch
from torch import Tensor

from catscale.balancing.contract import Method, State
from catscale.balancing.engine.balanced_step import BalancedStep, describe_step, table_of
from catscale.balancing.engine.losses import check_finite, make_unfinite_error
from catscale.balancing.engine.optional_members import reads_losses
from catscale.balancing.engine.reading import GradientNorms, SentNumbers


@dataclass(frozen=True, eq=False)
class DeferredStep:
    """A step of `TaskBalancer.backward_deferred`.

    Attributes:
        names: The tasks of the step.
        values: (K,) float64 weights that the gradients were combined with.
        sent: Its numbers.
    """

    names: Sequence[str]
    values: Tensor
    sent: SentNumbers = field(repr=False)

    @property
    def weights(self) -> dict[str, float]:
        """Weight a task."""
        return table_of(self.names, self.values)

    @property
    def spoilt(self) -> Tensor:
        """() float32 on the device: 1 where a loss or the gradient is not finite, else 0.

        It is what PyTorch's fused optimisers take as `found_inf`: parameters and their state then stay.
        """
        return self.sent.spoilt

    @property
    def norms(self) -> GradientNorms:
        """The norm of each gradient that was left in `.grad`; not finite where the step is spoilt."""
        return self.sent.norms

    def read(self) -> BalancedStep:
        """Return the report of the step, as soon as its numbers have arrived.

        Raises:
            DivergedError: If a loss, or the sum of squares of the gradient, is not finite, on any process.
        """
        numbers = self.sent.wait()
        check_finite(self.names, numbers.values, "loss")
        if numbers.norms is None:
            raise make_unfinite_error(self.names)
        seen = describe_step(self.names, numbers.values, self.values, None)
        return replace(seen, report=numbers.report, norms=numbers.norms)


def can_defer(method: Method[Any], state: State, task_ids: Tensor) -> bool:
    """Return whether the coming step of these tasks measures nothing, and its losses decide nothing either."""
    is_blind = method.request(state).kind == "nothing" and not reads_losses(method)
    return is_blind and method.weights(state, task_ids) is not None


def unknown_losses(tasks: int) -> Tensor:
    """Return (K,) float64 losses that nobody has read: NaN, which spoils whatever is made of them."""
    return torch.full((tasks,), nan, dtype=torch.float64)
