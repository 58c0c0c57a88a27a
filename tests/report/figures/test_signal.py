"""Signal to noise of measured gradients."""

from dataclasses import replace

import pytest

from catscale.report.figures.figure import Figure, Source
from catscale.report.figures.signal import draw_signal_to_noise


def test_nothing_is_drawn_where_no_halves_were_compared(source: Source) -> None:
    assert draw_signal_to_noise(source) is None
    empty = replace(source.runs[0], balance=[{"step": 1, "signal_to_noise": None}, {"step": 2, "signal_to_noise": {}}])
    assert draw_signal_to_noise(Source(source.comparison, [empty])) is None


def test_the_ratio_of_each_direction_over_the_steps(source: Source) -> None:
    ratios = [{"en-az": 0.5, "en-be": 2.0}, {"en-az": -0.25, "en-be": 1.0}]
    records = [{"step": 10 * n, "signal_to_noise": ratio, "weights": {}} for n, ratio in enumerate(ratios, 1)]
    runs = [replace(source.runs[0], seed=seed, balance=records) for seed in (1, 2)]
    figure = draw_signal_to_noise(Source(source.comparison, runs))
    assert isinstance(figure, Figure)
    found = {(row["direction"], row["step"]): row["mean"] for row in figure.rows}
    assert found == {("en-az", 10): 0.5, ("en-az", 20): -0.25, ("en-be", 10): 2.0, ("en-be", 20): 1.0}
    assert {row["seeds"] for row in figure.rows} == {2}
    assert figure.alt == "Curves by direction. T=1: from -0.25 (en-az) to 1.00 (en-be) at step 20."


@pytest.mark.parametrize("unknown", ["en-xx", "xx-en"])
def test_directions_that_are_not_compared_are_left_out(source: Source, unknown: str) -> None:
    run = replace(source.runs[0], balance=[{"step": 1, "signal_to_noise": {unknown: 1.0}}])
    assert draw_signal_to_noise(Source(source.comparison, [run])) is None
