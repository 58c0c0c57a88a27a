"""The forward pass of a mixed batch, where it is known whose each row of each layer is."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from catscale.balancing.engine.backward import GradientTaker
from catscale.balancing.engine.graph_uses import UnknownUseError
from catscale.balancing.engine.losses import MixedLoss, Work
from catscale.balancing.engine.owned_batch import OwnedBatch
from catscale.balancing.engine.parameter_uses import ParameterUse


@dataclass(frozen=True)
class MixedPass:
    """A forward pass.

    Attributes:
        batch: The batch.
        losses: The K lists of its losses.
        uses: The uses of the compared parameters.
    """

    batch: OwnedBatch
    losses: list[list[Tensor]]
    uses: list[ParameterUse]


def run_mixed(taker: GradientTaker, work: Work, batch: MixedLoss, by_hooks: bool) -> MixedPass | None:
    """Run one.

    Args:
        taker: Computes the losses.
        work: The K tasks of the step.
        batch: The batch.
        by_hooks: As of `find_uses`.

    Returns:
        None where the uses of the parameters, or the owners of their rows, are not all known.
    """
    if not isinstance(batch, OwnedBatch):
        return None
    losses = taker.evaluate_mixed(work, batch)
    try:
        uses = batch.watch([loss for found in losses for loss in found], taker.parameters, by_hooks)
    except UnknownUseError:
        return None
    return MixedPass(batch, losses, uses)


def join_lists(found: Sequence[Sequence[Sequence[Tensor]]], count: int) -> list[list[Tensor]]:
    """Return the K lists of losses of all passes, from those of each."""
    return [[loss for each in found for loss in each[place]] for place in range(count)]
