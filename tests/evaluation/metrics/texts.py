"""Awkward text, and sacreBLEU's own metrics to compare with."""

from typing import Any

from hypothesis import strategies as st

from catscale.evaluation.metrics.contract import Floats, Metric, Segments, Statistics

AWKWARD = [
    "", ".", "(hi) 'quoted' e.g. 3,000.5 $5", "猫が好き です。", "a a a a a a", "tab\tand\u00a0space", "İstanbul'da 😀",
    "&quot;escaped&quot; &amp; -- dash-ed", "same words same words",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(AWKWARD) | st.text("ab .,(é猫", max_size=12), min_size=4, max_size=4)
MORE = st.lists(TEXTS, max_size=2)


def streams_of(known: list[str], more: list[list[str]]) -> list[list[str | None]]:
    """Return references as sacreBLEU takes them."""
    return [list(known), *([line if line.strip() else None for line in lines] for lines in more)]


def counts_of(metric: Any, hypotheses: list[str], streams: list[list[str | None]]) -> list[list[float]]:
    """Return sacreBLEU's own statistics of each sentence; there is no public way to all of them."""
    return list(metric._extract_corpus_statistics(hypotheses, streams))


def measure(
    metric: Metric, runs: list[list[str]], known: list[str], more: list[list[str]] | None = None, language: str = "fr"
) -> Statistics:
    """Return a metric's statistics."""
    return metric.measure([Segments(run, known, language, further=more or []) for run in runs])


def score_of_sums(metric: Any, sums: Floats) -> list[float]:
    """Return sacreBLEU's score of each row of sums."""
    return [metric._compute_score_from_stats(list(row)).score for row in sums]
