"""The table of figures, in the order of the page."""

from collections.abc import Callable, Sequence
from functools import partial

from catscale.report.figures.best_temperature import draw_best_temperature
from catscale.report.figures.curvature import draw_gradient_alignment, draw_top_eigenvalues
from catscale.report.figures.curves import draw_nll_curves, draw_sample_efficiency
from catscale.report.figures.dev_bleu import draw_dev_bleu
from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.figures.forgetting import draw_new_against_old
from catscale.report.figures.gap import draw_overfitting_gap
from catscale.report.figures.outcome import draw_differences, draw_pareto
from catscale.report.figures.signal import draw_signal_to_noise
from catscale.report.figures.similarity import (
    DIRECTION,
    MAGNITUDE,
    draw_similarity_by_module,
    draw_similarity_by_pair,
)
from catscale.report.figures.spread import draw_similarity_spread
from catscale.report.figures.usage import draw_overlap, draw_usage
from catscale.report.figures.weights import draw_combined_gradient, draw_sampling_shares, draw_task_weights

FIGURES: Sequence[Callable[[Source], Figure | Missing | None]] = (
    draw_differences,
    draw_pareto,
    draw_best_temperature,
    draw_new_against_old,
    draw_nll_curves,
    draw_sample_efficiency,
    draw_dev_bleu,
    draw_overfitting_gap,
    draw_task_weights,
    draw_sampling_shares,
    draw_combined_gradient,
    draw_signal_to_noise,
    draw_usage,
    draw_overlap,
    draw_top_eigenvalues,
    draw_gradient_alignment,
    partial(draw_similarity_by_module, measure=DIRECTION),
    partial(draw_similarity_by_module, measure=MAGNITUDE),
    partial(draw_similarity_by_pair, measure=DIRECTION),
    partial(draw_similarity_by_pair, measure=MAGNITUDE),
    draw_similarity_spread,
)


def draw_figures(source: Source) -> list[Figure | Missing]:
    """Draw every figure, or give the reason for its absence; what has no place in the comparison is left out."""
    return [figure for make in FIGURES if (figure := make(source)) is not None]
