"""Where BLEU begins to say something: against what chance scores on real references."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import sacrebleu

from catscale.comparison.result import Difference, Row
from catscale.comparison.threshold import is_too_low, without_chance
from catscale.evaluation.metrics.table import METRICS

FLORES = Path(os.environ.get("CATSCALE_DATA", "../shared/data")) / "flores101" / "devtest"
CLEAR = Difference(0.5, (0.4, 0.6), 0.1, 0.01, None, 0.01, True, 0.01, 0.01, (0.3, 0.7))


def rows(metric, base, own):
    return [
        Row(metric, "all", "T=5", [base], base, None, (base, base)),
        Row(metric, "all", "x", [own], own, None, (own, own), CLEAR),
    ]


@pytest.mark.parametrize(
    ("metric", "base", "own", "counts"),
    [("bleu", 0.1, 0.9, False), ("bleu", 0.1, 1.0, True), ("bleu", 1.0, 0.1, True), ("chrf", 0.1, 0.9, True),
     ("nll", 0.1, 0.9, True)],
)  # fmt: skip
def test_one_of_two_must_translate(metric, base, own, counts):
    made = rows(metric, base, own)
    assert is_too_low(made[1], made[0]) != counts
    first, second = without_chance(made, "T=5")
    assert first == made[0]
    assert second == replace(made[1], difference=replace(CLEAR, significant=counts))


@pytest.mark.skipif(not FLORES.is_dir(), reason="needs FLORES-101 where CATSCALE_DATA says")
@pytest.mark.parametrize("code", ["mkd", "fra"])
def test_chance_stays_below(code):
    references = (FLORES / f"{code}.devtest").read_text(encoding="utf-8").splitlines()[:500]
    for hypotheses in ([*references[7:], *references[:7]], [references[0]] * len(references)):
        assert 0 < sacrebleu.corpus_bleu(hypotheses, [references]).score < METRICS["bleu"].least
