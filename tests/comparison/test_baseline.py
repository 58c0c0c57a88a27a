import json
from typing import Any

import pytest

from catscale.comparison.baseline import choose_baseline
from catscale.comparison.grouping import group_runs
from catscale.errors import ConfigError
from catscale.run.folder.evaluated import read_run
from tests.comparison.fakes import write_run

SMALL: dict[str, Any] = {"sizes": {"en-az": 500}, "sentences": 30}


@pytest.fixture
def choose(tmp_path):
    def name_and_reason(*runs, asked=None, metric=None):
        folders = [write_run(tmp_path / str(i), **SMALL, **run) for i, run in enumerate(runs)]
        read = [read_run(folder, "test") for folder in folders]
        methods, members = group_runs(read)
        return choose_baseline(methods, [[read[i] for i in group] for group in members], asked, metric)

    return name_and_reason


def at(temperature, **changes):
    return {"sampling": {"temperature": temperature}, **changes}


def test_the_dev_set_decides_though_the_test_set_and_the_nll_say_otherwise(choose):
    name, reason = choose(
        at(1, quality=0.9, dev=0.2, validation=1.0), at(5, quality=0.3, dev=0.6, validation=9.0),
        {**at(5), "quality": 1.0, "dev": 1.0, "balancing": {"method": "cats"}},
    )  # fmt: skip
    assert name == "T=5"
    assert reason.startswith("best of 2 temperatures by mean BLEU on the dev set: T=1 ")


def test_seeds_are_averaged(choose):
    name, _ = choose(at(1, seed=1, dev=0.9), at(1, seed=2, dev=0.1), at(5, seed=1, dev=0.7), at(5, seed=2, dev=0.7))
    assert name == "T=5"


def test_without_dev_scores_of_every_run_the_validation_nll_decides(choose):
    name, reason = choose(
        at(1, quality=0.2, dev=0.1, validation=2.5), at(5, quality=0.9, dev=0.9, validation=3.0), at(9, quality=0.9)
    )
    assert (name, reason) == ("T=1", "best of 3 temperatures by validation NLL: T=1 2.500, T=5 3.000, T=9 3.000")


def with_scores(tmp_path, values):
    """Runs at T = 1 and T = 5 with made-up means on dev."""
    for place, value in enumerate(values):
        path = tmp_path / str(place) / "scores.dev.json"
        content = json.loads(path.read_text())
        content["averages"]["all"] |= value
        path.write_text(json.dumps(content))
    read = [read_run(tmp_path / str(place), "test") for place in range(len(values))]
    methods, members = group_runs(read)
    return methods, [[read[i] for i in group] for group in members]


@pytest.mark.parametrize(
    ("metric", "best", "told"),
    [
        (None, "T=1", "mean BLEU on the dev set: T=1 1.40, T=5 1.10"),
        ("bleu", "T=1", "mean BLEU on the dev set: T=1 1.40, T=5 1.10"),
        ("nll", "T=5", "mean NLL on the dev set: T=1 4.900, T=5 4.600"),
        ("chrf", "T=5", "mean chrF on the dev set: T=1 8.00, T=5 9.50"),
    ],
)
def test_the_metric_of_the_comparison_decides(tmp_path, choose, metric, best, told):
    """Less is better in nats."""
    choose(at(1, dev=0.5), at(5, dev=0.5))
    values = {"bleu": 1.4, "nll": 4.9, "chrf": 8.0}, {"bleu": 1.1, "nll": 4.6, "chrf": 9.5}
    methods, runs = with_scores(tmp_path, values)
    found = choose_baseline(methods, runs, metric=metric)
    assert found == (best, f"best of 2 temperatures by {told}")


def test_a_metric_that_dev_scores_lack_leaves_it_to_the_nll_of_validations(choose):
    name, reason = choose(at(1, dev=0.5, validation=2.5), at(5, dev=0.5, validation=3.0), metric="ter")
    assert (name, reason) == ("T=1", "best of 2 temperatures by validation NLL: T=1 2.500, T=5 3.000")


def test_scores_below_zero_are_scores(tmp_path, choose):
    """As COMET's may be; only a metric that says so has a least score."""
    choose(at(1, dev=0.5), at(5, dev=0.5))
    methods, runs = with_scores(tmp_path, ({"comet": -0.5}, {"comet": -0.25}))
    found = choose_baseline(methods, runs, metric="comet")
    assert found == ("T=5", "best of 2 temperatures by mean COMET on the dev set: T=1 -0.500, T=5 -0.250")


def test_models_that_do_not_translate_are_told_apart_by_their_nll(tmp_path, choose):
    choose(at(1, dev=0.5, validation=2.5), at(5, dev=0.5, validation=2.0))
    methods, runs = with_scores(tmp_path, ({"bleu": 0.9}, {"bleu": 0.5}))
    assert choose_baseline(methods, runs) == ("T=5", "best of 2 temperatures by validation NLL: T=1 2.500, T=5 2.000")


def test_models_at_one_temperature_are_not_called_temperatures(choose):
    wider = {**at(5, dev=0.4), "model": {"feed_forward": 24}}
    name, reason = choose(at(1, dev=0.2), at(5, dev=0.6), wider)
    assert name.startswith("T=5 ")
    assert reason.startswith("best of 3 with a plain temperature by mean BLEU on the dev set: T=1 ")


def test_with_nothing_to_choose_by(choose):
    with pytest.raises(ConfigError, match=r"cannot choose the best of T=1, T=5 without the test set.*--split dev"):
        choose(at(1, validation=None), at(5, validation=None))


def test_the_user_s_choice(choose):
    runs = at(1), {**at(5), "balancing": {"method": "cats"}}
    assert choose(*runs, asked="T=5 + CATS") == ("T=5 + CATS", "named with --baseline")


def test_an_unknown_name(choose):
    with pytest.raises(ConfigError, match=r"no method 'T=7'.* of T=1, T=5; give one"):
        choose(at(1), at(5), asked="T=7")


def test_one_temperature_and_none(tmp_path, choose):
    assert choose(at(5), at(1, balancing={"method": "cats"})) == ("T=5", "the only plain temperature among the runs")


def test_one_temperature_with_several_seeds(choose):
    reason = "the only plain temperature among the runs"
    assert choose(at(5), at(5, seed=2), at(1, balancing={"method": "cats"})) == ("T=5", reason)


def test_no_temperature(choose):
    name, reason = choose(at(5, balancing={"method": "cats"}), at(5, balancing={"method": "pcgrad"}))
    assert name == "T=5 + CATS"
    assert reason.startswith("the first one given")
