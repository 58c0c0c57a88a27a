"""The forward pass of a mixed batch, where it is known whose each row of each layer is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from catscale.balancing.engine.backward import GradientTaker
from catscale.balancing.engine.generators import RandomState
from catscale.balancing.engine.graph_uses import UnknownUseError
from catscale.balancing.engine.losses import MixedLoss, Work
from catscale.balancing.engine.owned_batch import OwnedBatch
from catscale.balancing.engine.parameter_uses import ParameterUse

Passed = TypeVar("Passed")


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


def try_together(taker: GradientTaker, work: Work, run: Callable[[MixedLoss], Passed | None]) -> list[Passed] | None:
    """Run the mixed batches of a step, on all processes or on none.

    Args:
        taker: Runs the passes.
        work: The tasks of the step.
        run: Runs one batch; None where that cannot be done, before it has changed more than random numbers.

    Returns:
        What it returned; None, with random numbers as before, where one process has none, for a batch or for want of
        batches that hold its parts.
    """
    before = RandomState.capture(taker.parameters[0].device)
    found: list[Passed] = []
    can_be_done = bool(work.mixed) or not any(work.parts)
    for batch in work.mixed:
        result = run(batch)
        if result is None:
            can_be_done = False
            break
        found.append(result)
    if taker.ranks.maximum(torch.tensor(float(not can_be_done))):
        before.restore()
        return None
    return found


def join_lists(found: Sequence[Sequence[Sequence[Tensor]]], count: int) -> list[list[Tensor]]:
    """Return the K lists of losses of all passes, from those of each."""
    return [[loss for each in found for loss in each[place]] for place in range(count)]
