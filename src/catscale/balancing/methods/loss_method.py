"""The common part of the methods that need the losses alone."""

from typing import ClassVar, Literal

from torch import Tensor

from catscale.balancing.contract import MethodSettings, Request, Signals, State
from catscale.errors import DivergedError

LEAST_LOSS = 1e-8
"""Nats per token: losses below it count as it, so that ratios and logarithms exist."""


class LossMethod(MethodSettings):
    """A method that measures nothing; its weights are known before the step, which costs what plain training costs.

    Attributes:
        losses: The meaning of L_n, see `Method`.
    """

    losses: Literal["tasks", "tokens"] = "tasks"
    scale_of_weights: ClassVar[str] = "free"

    def request(self, state: State) -> Request:
        """Request nothing."""
        return Request()


def finite_losses(signals: Signals) -> Tensor:
    """Return (K,) float64 losses on the CPU, at least `LEAST_LOSS`.

    Raises:
        DivergedError: If one is not finite.
    """
    losses = signals.losses.double().cpu()
    if not losses.isfinite().all():
        raise DivergedError(
            f"losses must be finite, found {losses.tolist()} for the tasks with ids {signals.task_ids.tolist()}; "
            "lower the learning rate or look at the data of these tasks"
        )
    return losses.clamp(min=LEAST_LOSS)
