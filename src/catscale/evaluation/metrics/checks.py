"""The promises of every metric, as functions that anyone can call on a metric of their own.

    from catscale.evaluation.metrics.checks import check_metric
    check_metric(MyMetric())

No assert statement: `python -O` would drop it. Legend: R systems, S sentences, k statistics per sentence.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from catscale.evaluation.metrics.contract import Floats, Metric, Segments
from catscale.evaluation.metrics.table import METRICS, read_metric, write_metric
from catscale.settings.own_class import is_own
from catscale.system.promises import promise

CLOSE = 1e-9
"""Relative difference, or absolute below 1, of two ways to one score."""
RESERVED = ("src", "ref", "hyp", "nbest", "scores", "averages", "evaluation", "output", "sentences")
"""Names that `translations/` and `scores.json` have taken."""
REFERENCES = [
    "the cat sat on the mat.", "it rained all day, and nobody came", "a dog barked at the moon last night",
    "we went home early", "nobody knew what to say to them", "three birds sang in the old tree",
]  # fmt: skip
GOOD = [*REFERENCES[:4], "nobody knew what one should say", "three birds sat in an old tree"]
POOR = ["cat mat", "rain", "the moon barked", "we home", "to say", "old old old old old old old"]
HOSTILE = [
    "", " ", ".", "a" * 2000, "猫が好き です。", "İstanbul'da 😀 e\u0301 \u200f\u202e", "\t\u00a0\u2028 \x07 x",
    "&quot;&amp; <s> </s> 3,000.5 $5 (hi)", "same same same same same",
]  # fmt: skip
MORE = ["", "it rained the whole day", "", "we were home early", "", ""]
LANGUAGES = ("en", "zh", "ja", "th", "az_Cyrl")


def check_metric(metric: Metric) -> None:
    """Try every promise of the contract.

    Args:
        metric: With its settings, and with what it needs at hand.

    Raises:
        AssertionError: Names the first promise that is broken.
    """
    _check_names(metric)
    _check_settings(metric)
    chosen = metric.choose("en", {})
    promise(metric.missing == "", f"the metric is tried with what it needs at hand, and lacks: {metric.missing}")
    for check in (_check_sums,) if metric.of_model else CHECKS:
        check(chosen)
    for language in () if metric.of_model else LANGUAGES:
        _check_hostile(metric.choose(language, {}), language)


def _check_names(metric: Metric) -> None:
    shown = (metric.name, metric.label, metric.digits)
    is_name = is_own(metric.name) or re.fullmatch(r"[a-z][a-z0-9_+]{0,30}", metric.name) is not None
    promise(is_name, f"a name is lower case, found {shown}")
    promise(metric.name not in RESERVED, f"a name is none that files have already, found {metric.name}")
    promise(0 < len(metric.label) <= 20 and metric.label.isprintable(), f"a label is short text, found {shown}")
    promise(0 <= metric.digits <= 6, f"digits are from 0 to 6, found {shown}")
    promise(metric.bounds[0] < metric.bounds[1], f"the lower bound is below the upper one, found {metric.bounds}")
    labels = [other.label for name, other in METRICS.items() if name != metric.name and not is_own(name)]
    promise(metric.label not in labels, f"no other metric has the label {metric.label}")


def _check_settings(metric: Metric) -> None:
    """Check that a configuration names the metric, with its settings."""
    if METRICS.get(metric.name) is type(metric) and not metric.of_model:
        promise(read_metric(write_metric(metric)) == metric, "what is written to a configuration gives the same metric")


def _check_counts(metric: Metric) -> None:
    """Check the statistics' shape, type and values, and that systems do not change each other's."""
    systems = [segments(GOOD), segments(POOR)]
    counts = metric.count(systems[0])
    is_table = counts.ndim == 2 and len(counts) == len(GOOD) and counts.dtype == np.float64
    promise(is_table, f"`count` gives (S, k) float64, found {counts.shape} {counts.dtype}")
    promise(bool(np.isfinite(counts).all() and (counts >= 0).all()), "statistics are finite and not negative")
    promise(not metric.kept or counts.shape[1] == len(metric.kept), "`kept` names each statistic")
    together = metric.count_all(systems)
    promise(together.shape == (2, *counts.shape), f"`count_all` gives (R, S, k), found {together.shape}")
    for alone, row in zip(map(metric.count, systems), together, strict=True):
        promise(np.array_equal(alone, row), "systems counted together have the statistics that they have alone")
    promise(np.array_equal(counts, metric.count(systems[0])), "the same texts have the same statistics")


def _check_score(metric: Metric) -> None:
    """Check that the score is that of the sums, with one reference and with several."""
    for further in ([], [MORE], [MORE, MORE[::-1]]):
        for hypotheses in (GOOD, POOR, REFERENCES):
            found = replace(segments(hypotheses), further=further)
            score, statistics = metric.score(found), metric.measure([found])
            promise(set(score) == {"score", "signature"}, "`score` gives score and signature")
            promise(_are_close(score["score"], float(statistics.corpus_scores()[0])), "the score is that of the sums")
            promise(score["signature"] == statistics.signature, "score and statistics have the same signature")
            promise(isinstance(score["signature"], str) and score["signature"] != "", "there is a signature")
            promise(score["signature"].isprintable(), "a signature is a line of text")


def _check_order(metric: Metric) -> None:
    """Check that it does not matter which sentence comes first."""
    order = [3, 0, 5, 1, 4, 2]
    turned = Segments([GOOD[i] for i in order], [REFERENCES[i] for i in order], "en", sources=[str(i) for i in order])
    counts = metric.count(segments(GOOD))
    promise(np.array_equal(metric.count(turned), counts[order]), "a sentence's statistics are its own")
    both = metric.score(turned)["score"], metric.score(segments(GOOD))["score"]
    promise(_are_close(*both), f"the order of sentences does not matter, found {both}")


def _check_direction(metric: Metric) -> None:
    """Check that better translations have better scores, the references themselves the best."""
    best, good, poor = (metric.score(segments(texts))["score"] for texts in (REFERENCES, GOOD, POOR))
    sign = 1 if metric.higher_is_better else -1
    promise(sign * best > sign * good > sign * poor, f"better is what the metric calls it: {best}, {good}, {poor}")


def _check_hostile(metric: Metric, language: str) -> None:
    """Check that text of any kind has a score within the bounds: empty, of one kind of sign, of any script."""
    for hypotheses, references in ((HOSTILE, HOSTILE[::-1]), (HOSTILE[::-1], ["x"] * len(HOSTILE)), ([""], [""])):
        found = Segments(hypotheses, references, language, sources=references)
        statistics = metric.measure([found, replace(found, hypotheses=references)])
        scores = [
            metric.score(found)["score"],
            *statistics.corpus_scores(),
            *metric.from_sums(statistics.values).ravel(),
        ]
        low, high = metric.bounds
        promise(bool(np.isfinite(scores).all()), f"scores of any text in {language} are finite, found {scores}")
        promise(
            low <= min(scores) and max(scores) <= high, f"scores of any text are from {low} to {high}, found {scores}"
        )


def _check_sums(metric: Metric) -> None:
    """Check that many sums at once have the scores that each has alone."""
    rows: Floats = 1.0 + np.arange(4.0 * len(metric.kept)).reshape(4, -1)
    if not metric.of_model:
        rows = metric.count(segments(GOOD))
    sums = np.stack([rows.sum(0), rows[0] + rows[1], rows[1] + rows[3]])
    found = metric.from_sums(sums[:, None])
    promise(found.shape == (3, 1), f"`from_sums` gives (…) of (…, k), found {found.shape}")
    alone = [float(metric.from_sums(row)) for row in sums]
    same = all(map(_are_close, found[:, 0], alone))
    promise(same, f"sums that are given together have the scores that each has alone, found {found[:, 0]}, {alone}")


def segments(hypotheses: Sequence[str]) -> Segments:
    """Return translations of the sentences that the promises are tried on."""
    return Segments(hypotheses, REFERENCES, "en", sources=[f"s {text}" for text in REFERENCES])


def _are_close(one: float, other: float) -> bool:
    return bool(abs(one - other) <= CLOSE * max(1.0, abs(other)))


CHECKS: Sequence[Callable[[Metric], None]] = (
    _check_counts,
    _check_sums,
    _check_score,
    _check_order,
    _check_direction,
)
"""The promises of metrics of translations."""
