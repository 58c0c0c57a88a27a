"""DoGE: a slow transcription, clipping, the average."""

import math

import numpy as np
import pytest

from catscale.errors import ConfigError
from catscale.sampling import DoGE, Sampler

SIZES = {"en-az": 10, "en-be": 30, "en-fr": 60}


@pytest.mark.parametrize("average", [False, True])
def test_a_slow_transcription(average: bool) -> None:
    sampler = Sampler(DoGE(interval=1, rate=0.3, average=average, floor=0.02, temperature=2), SIZES)
    rng, q, all_p = np.random.default_rng(0), [math.sqrt(size) for size in SIZES.values()], []
    for _ in range(12):
        rewards = rng.normal(1, 3, 3).tolist()
        sampler.update(dict(zip(SIZES, rewards, strict=True)))
        q = [share * math.exp(0.3 * min(5, max(0, reward))) for share, reward in zip(q, rewards, strict=True)]
        q = [share / sum(q) for share in q]
        all_p.append([0.02 + 0.94 * share for share in q])
        expected = np.mean(all_p, 0) if average else all_p[-1]
        assert sampler.probabilities(1) == pytest.approx(expected, rel=1e-10)


def test_it_asks_for_products_with_the_others() -> None:
    assert DoGE().for_training(500).request.against == "others"
    assert DoGE().for_training(500).request.interval == 20
    with pytest.raises(ConfigError, match=r"sampling.interval follows from the length of the training"):
        _ = DoGE().request


def test_tasks_that_disagree_with_the_others_gain_nothing() -> None:
    sampler = Sampler(DoGE(interval=1, rate=1, floor=0), SIZES)
    sampler.update({"en-az": -3.0, "en-be": 0.0, "en-fr": -1e9})
    assert sampler.probabilities(1) == pytest.approx([0.1, 0.3, 0.6], rel=1e-12)


def test_a_score_above_5_counts_as_5() -> None:
    one, two = (Sampler(DoGE(interval=1, rate=0.2, floor=0), SIZES) for _ in range(2))
    one.update({"en-az": 5.0, "en-be": 1.0, "en-fr": 0.0})
    two.update({"en-az": 1e300, "en-be": 1.0, "en-fr": -2.0})
    assert one.probabilities(1).tolist() == two.probabilities(1).tolist()
    weights = np.array([0.1 * math.e, 0.3 * math.exp(0.2), 0.6])
    assert one.probabilities(1) == pytest.approx(weights / weights.sum(), rel=1e-12)


def test_of_two_tasks_the_products_are_the_same_and_nothing_moves() -> None:
    sampler = Sampler(DoGE(interval=1, rate=3, floor=0), {"en-az": 1, "en-fr": 3})
    for product in (0.5, 4.0, 40.0):
        sampler.update({"en-az": product, "en-fr": product})
    assert sampler.probabilities(1) == pytest.approx([0.25, 0.75], rel=1e-12)


def test_the_average_forgets_the_first_mixture_and_lags_behind_the_latest() -> None:
    latest, average = (Sampler(DoGE(interval=1, rate=0.5, average=x, floor=0), SIZES) for x in (False, True))
    assert average.probabilities(1) == pytest.approx([0.1, 0.3, 0.6])
    for number in range(4):
        for sampler in (latest, average):
            sampler.update({"en-az": 2.0, "en-be": 0.0, "en-fr": 0.0})
        ahead = latest.probabilities(1)[0] - average.probabilities(1)[0]
        assert ahead == pytest.approx(0, abs=1e-12) if number == 0 else ahead > 0.01


def test_an_average_that_is_read_back_goes_on_as_it_was() -> None:
    method, row = DoGE(interval=1, rate=0.5, average=True), {"en-az": 2.0, "en-be": 1.0, "en-fr": 0.0}
    one, two = Sampler(method, SIZES), Sampler(method, SIZES)
    one.update(row)
    one.update(row)
    two.load_state_dict(one.state_dict())
    for sampler in (one, two):
        sampler.update({"en-az": 0.0, "en-be": 0.0, "en-fr": 4.0})
    assert two.probabilities(1).tolist() == one.probabilities(1).tolist()
    assert int(two.state_dict()["state"]["updates"]) == 3
    one.probabilities(1)[:] = 7  # the caller's copy
    assert one.probabilities(1).tolist() == two.probabilities(1).tolist()
