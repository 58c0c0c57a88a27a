"""The report of one step of the engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from catscale.balancing.engine.held_gradients import Measured
from catscale.balancing.engine.losses import Work
from catscale.balancing.engine.reading import GradientNorms


@dataclass(frozen=True)
class BalancedStep:
    """The record of what one call of `TaskBalancer.backward` saw and did, over all processes.

    Attributes:
        losses: Loss per task, as optimised.
        weights: Weight a task that the gradients were combined with; its mean over the groups where they differ.
        gradient_norms: ‖g_n‖ a task, where the step measured it, over the parameters that it measured.
        curvature: ‖Σ w_n g_n‖² with these weights, where the step measured it over all shared parameters.
        skipped: Whether gradients overflowed under a gradient scaler, so that nothing moved.
        report: The numbers that `backward` was given a function for, summed over the processes; none without one.
        norms: The norm of each gradient that was left in `.grad`, scaled as it is, where it was computed; None where
            a sum of squares is not finite.
    """

    losses: dict[str, float]
    weights: dict[str, float]
    gradient_norms: dict[str, float] | None = None
    curvature: float | None = None
    skipped: bool = False
    report: Sequence[float] = ()
    norms: GradientNorms | None = field(default=None, repr=False, compare=False)


def table_of(names: Sequence[str], values: Tensor) -> dict[str, float]:
    """Return (K,) values by the names of the tasks."""
    return dict(zip(names, values.tolist(), strict=True))


def describe_step(work: Work, weights: Tensor, measured: Measured) -> BalancedStep:
    """Return a report of the step; its norms and curvature include the noise of the gradients."""
    curvature, squares = measured.curvature, measured.squares
    if curvature is None and measured.gramians is not None:
        rows = weights.expand(len(measured.gramians), -1)
        curvature = torch.einsum("pi,pij,pj->", rows, measured.gramians, rows).item()
    norms = None if squares is None else table_of(work.names, squares.clamp(min=0).sqrt())
    mean = weights.mean(0) if weights.ndim == 2 else weights
    return BalancedStep(table_of(work.names, measured.signals.losses), table_of(work.names, mean), norms, curvature)
