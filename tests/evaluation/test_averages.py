import pytest

from catscale.evaluation.averages import average_scores


def entry(nll, bleu, chrf):
    return {"nll": nll, "bleu": {"score": bleu}, "chrf": {"score": chrf}}


def test_each_direction_counts_once_in_its_group():
    scores = {"en-az": entry(4.0, 5.0, 20.0), "en-be": entry(3.0, 9.0, 30.0), "en-pt": entry(2.0, 40.0, 64.0)}
    averages = average_scores(scores, {"en-az": "low", "en-be": "low", "en-pt": "high"})
    assert averages["all"] == pytest.approx({"nll": 3.0, "bleu": 18.0, "chrf": 38.0})
    assert averages["low"] == pytest.approx({"nll": 3.5, "bleu": 7.0, "chrf": 25.0})
    assert averages["high"] == pytest.approx({"nll": 2.0, "bleu": 40.0, "chrf": 64.0})
    assert averages["mid"] is None


def test_nothing_has_no_average():
    assert average_scores({}, {}) == {"all": None, "low": None, "mid": None, "high": None}
