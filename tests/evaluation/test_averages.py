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


def test_a_direction_without_group_counts_in_zero_shot_alone():
    scores = {"en-az": entry(4.0, 5.0, 20.0), "az-fr": entry(6.0, 1.0, 10.0), "fr-az": entry(8.0, 3.0, 20.0)}
    averages = average_scores(scores, {"en-az": "mid"})
    assert averages["zero_shot"] == pytest.approx({"nll": 7.0, "bleu": 2.0, "chrf": 15.0})
    assert averages["all"] == averages["mid"] == pytest.approx({"nll": 4.0, "bleu": 5.0, "chrf": 20.0})
    assert "zero_shot" not in average_scores({"en-az": entry(4.0, 5.0, 20.0)}, {"en-az": "mid"})


def test_nothing_has_no_average():
    assert average_scores({}, {}) == {"all": None, "low": None, "mid": None, "high": None}
