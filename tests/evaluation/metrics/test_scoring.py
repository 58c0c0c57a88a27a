import math

import pytest

from catscale.errors import DataError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.metrics import scoring
from catscale.evaluation.metrics.contract import Segments

HYPOTHESES = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
REFERENCES = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]


def score(hypotheses, references, language, settings):
    chosen = scoring.choose_all(settings.metrics, language, settings.model_dump())
    return scoring.score(Segments(hypotheses, references, language), chosen)


def test_known_values():
    scores = score(HYPOTHESES, REFERENCES, "en", EvaluationConfig())
    assert scores["sentences"] == 3
    assert scores["bleu"]["score"] == pytest.approx(bleu_by_hand(), abs=1e-9)


def bleu_by_hand() -> float:
    """N-gram matches over n-grams, counted by eye; 17 tokens on both sides, so no brevity penalty.

    the dog bit the man . | it wasn't surprising . | the man had just bitten him .
    the dog bit the man . | it was not unexpected . | the man bit him first .
    """
    precisions = [(6 + 2 + 4) / 17, (5 + 0 + 1) / 14, 4 / 11, 3 / 8]
    return 100 * math.prod(precisions) ** 0.25


def test_identical_lines_score_100():
    scores = score(REFERENCES, REFERENCES, "en", EvaluationConfig())
    assert scores["bleu"]["score"] == pytest.approx(100)
    assert scores["chrf"]["score"] == pytest.approx(100)


def test_chrf_by_hand():
    # "ab" against "abc", orders 1 and 2 count (3 has no hypothesis n-gram: effective order 2):
    # precision 1, 1; recall 2/3, 1/2; F2 of the averages.
    precision, recall = 1.0, (2 / 3 + 1 / 2) / 2
    expected = 100 * 5 * precision * recall / (4 * precision + recall)
    assert score(["ab"], ["abc"], "en", EvaluationConfig())["chrf"]["score"] == pytest.approx(expected)


def test_signatures_record_what_was_done():
    scores = score(HYPOTHESES, REFERENCES, "de", EvaluationConfig())
    assert scores["bleu"]["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert scores["chrf"]["signature"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")


def test_the_word_order_makes_it_chrf_plus_plus():
    scores = score(HYPOTHESES, REFERENCES, "de", EvaluationConfig(chrf_word_order=2))
    assert "|nw:2|" in scores["chrf"]["signature"]


def test_chinese_is_compared_by_character():
    scores = score(["我喜欢猫和狗。"], ["我喜欢猫和鸟。"], "zho_Hans", EvaluationConfig())
    assert "|tok:zh|" in scores["bleu"]["signature"]
    assert 50 < scores["bleu"]["score"] < 70


@pytest.mark.parametrize(("hypotheses", "references"), [(["a"], ["a", "b"]), ([], [])])
def test_lines_must_match(hypotheses, references):
    with pytest.raises(DataError, match="must be equally many and at least one, found"):
        score(hypotheses, references, "en", EvaluationConfig())
