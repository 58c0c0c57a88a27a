"""The report of one step of the engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

import torch
from torch import Tensor

from catscale.balancing.engine.held_gradients import Measured
from catscale.balancing.engine.reading import GradientNorms
from catscale.balancing.engine.unbiased import signal_to_noise


@dataclass(frozen=True)
class BalancedStep:
    """The record of what one call of `TaskBalancer.backward` saw and did, over all processes.

    Attributes:
        losses: Loss per task, as optimised.
        weights: Weight a task that the gradients were combined with; its mean over the groups where they differ.
        gradient_norms: ‖g_n‖ a task, where the step measured it, over the parameters that it measured, in the metric
            that the method asks for, as all that is measured.
        curvature: ‖Σ w_n g_n‖² with these weights, where the step measured it over all shared parameters.
        signal_to_noise: ‖μ_n‖² over the variance of g_n a task, estimated from two halves of its parts, where these
            were compared; an estimate may be negative.
        cosine: Mean over the pairs of tasks of cos(g_i, g_j), noise and all, where the step measured a Gram matrix of
            at least two gradients that are not zero; of matrices by group their sum.
        skipped: Whether gradients overflowed under a gradient scaler, so that nothing moved.
        report: The numbers that `backward` was given a function for, summed over the processes; none without one.
        norms: The norm of each gradient that was left in `.grad`, scaled as it is, where it was computed; None where
            a sum of squares is not finite.
    """

    losses: dict[str, float]
    weights: dict[str, float]
    gradient_norms: dict[str, float] | None = None
    curvature: float | None = None
    signal_to_noise: dict[str, float] | None = None
    cosine: float | None = None
    skipped: bool = False
    report: Sequence[float] = ()
    norms: GradientNorms | None = field(default=None, repr=False, compare=False)


def table_of(names: Sequence[str], values: Tensor) -> dict[str, float]:
    """Return (K,) values by the names of the tasks."""
    return dict(zip(names, values.tolist(), strict=True))


@dataclass(frozen=True)
class GradientMeasurement:
    """Gradients that were measured on other losses than the step's, to be given to `TaskBalancer.backward`.

    Attributes:
        names: Names of the tasks.
        measured: The signals, and what the report of the step has of them.
    """

    names: Sequence[str]
    measured: Measured


def describe_step(
    names: Sequence[str], losses: Tensor, weights: Tensor, seen: GradientMeasurement | None
) -> BalancedStep:
    """Return a report of the step; its norms and curvature include the noise of the gradients.

    Args:
        names: Names of the K tasks of the step.
        losses: (K,) their losses.
        weights: (K,) their weights, or (P, K).
        seen: The measurement of the step, or the one apart from it; None where nothing was measured.
    """
    mean = weights.mean(0) if weights.ndim == 2 else weights
    step = BalancedStep(table_of(names, losses), table_of(names, mean))
    if seen is None:
        return step
    measured = seen.measured
    curvature, squares = measured.curvature, measured.squares
    if curvature is None and measured.gramians is not None and list(seen.names) == list(names):
        rows = weights.expand(len(measured.gramians), -1)
        curvature = torch.einsum("pi,pij,pj->", rows, measured.gramians, rows).item()
    norms = None if squares is None else table_of(seen.names, squares.clamp(min=0).sqrt())
    ratios = None
    if squares is not None and measured.expected is not None:
        found = signal_to_noise(squares, measured.expected)
        ratios = {name: ratio for name, ratio in table_of(seen.names, found).items() if isfinite(ratio)} or None
    cosine = None if measured.gramians is None else mean_cosine(measured.gramians.sum(0))
    return replace(step, gradient_norms=norms, curvature=curvature, signal_to_noise=ratios, cosine=cosine)


def mean_cosine(gramian: Tensor) -> float | None:
    """Return the mean of cos(g_i, g_j) over the pairs i < j of K gradients.

    Args:
        gramian: (K, K) ⟨g_i, g_j⟩; a gradient of length 0 has no angle, and its pairs do not count.

    Returns:
        Between −1 and 1; None where there is no pair.
    """
    lengths = gramian.diagonal().clamp(min=0).sqrt()
    moving = lengths > 0
    cosines = (gramian / torch.outer(lengths, lengths))[moving][:, moving]
    pairs = cosines[torch.ones_like(cosines).triu(diagonal=1) > 0]
    return pairs.mean().item() if len(pairs) else None
