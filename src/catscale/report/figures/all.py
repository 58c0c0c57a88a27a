"""The table of figures, in the order of the page."""

from collections.abc import Callable, Sequence
from functools import partial

from catscale.report.figures.curvature import gradient_alignment, top_eigenvalues
from catscale.report.figures.curves import nll_curves, sample_efficiency
from catscale.report.figures.dev_bleu import dev_bleu
from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.figures.gap import overfitting_gap
from catscale.report.figures.outcome import differences, pareto
from catscale.report.figures.similarity import (
    DIRECTION,
    MAGNITUDE,
    similarity_by_module,
    similarity_by_pair,
)
from catscale.report.figures.spread import similarity_spread
from catscale.report.figures.weights import combined_gradient, sampling_shares, task_weights

FIGURES: Sequence[Callable[[Source], Figure | Missing]] = (
    differences,
    pareto,
    nll_curves,
    sample_efficiency,
    dev_bleu,
    overfitting_gap,
    task_weights,
    sampling_shares,
    combined_gradient,
    top_eigenvalues,
    gradient_alignment,
    partial(similarity_by_module, measure=DIRECTION),
    partial(similarity_by_module, measure=MAGNITUDE),
    partial(similarity_by_pair, measure=DIRECTION),
    partial(similarity_by_pair, measure=MAGNITUDE),
    similarity_spread,
)


def draw_figures(source: Source) -> list[Figure | Missing]:
    """Draw every figure, or give the reason for its absence."""
    return [make(source) for make in FIGURES]
