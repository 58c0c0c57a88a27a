"""Online data mixing: known answers, a slow transcription, the warm-up."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from catscale.errors import ConfigError
from catscale.sampling import ODM, Sampler
from catscale.sampling.odm import ODMState, explore

SIZES = {"en-az": 10, "en-be": 30, "en-fr": 60}
EQUAL = dict.fromkeys(SIZES, 1)


def test_known_answer() -> None:
    sampler = Sampler(ODM(warm_up=0), EQUAL)
    assert isinstance(sampler.state, ODMState)
    sampler.state = replace(sampler.state, steps=torch.tensor(99))
    sampler.update({"en-az": 2.0, "en-be": 3.0, "en-fr": 4.0})
    assert sampler.probabilities(1) == pytest.approx([0.30655, 0.33243, 0.36102], abs=5e-6)
    assert sampler.state_dict()["state"]["rewards"].tolist() == pytest.approx([0.6, 0.9, 1.2])


def test_at_the_first_step_all_is_exploration() -> None:
    sampler = Sampler(ODM(warm_up=0), SIZES)
    sampler.update({"en-fr": 4.0})
    assert sampler.probabilities(2) == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_a_slow_transcription() -> None:
    sampler, rng = Sampler(ODM(warm_up=4), SIZES), np.random.default_rng(0)
    p, sums, explored = [0.1, 0.3, 0.6], [0.0] * 3, 1 / 3
    for t in range(1, 40):
        losses = rng.uniform(1, 5, 3)
        held = [n for n in range(3) if rng.random() < 0.7]
        sampler.update({list(SIZES)[n]: float(losses[n]) for n in held})
        if t > 4:
            sums = [s + losses[n] / 10 / p[n] if n in held else s for n, s in enumerate(sums)]
            before, explored = explored, min(1 / 3, math.sqrt(math.log(3) / (3 * t)))
            total = sum(math.exp(before * s) for s in sums)
            p = [(1 - 3 * explored) * math.exp(before * s) / total + explored for s in sums]
            p = [share / sum(p) for share in p]
        assert sampler.probabilities(t + 1) == pytest.approx(p, rel=1e-9)


def test_the_warm_up_follows_from_the_training() -> None:
    assert [ODM().for_training(steps).warm_up for steps in (50, 5000, 10**6)] == [5, 500, 2000]
    assert ODM(warm_up=0).for_training(50).warm_up == 0
    with pytest.raises(ConfigError, match=r"sampling.warm_up follows from the length of the training"):
        Sampler(ODM(), SIZES).update({"en-fr": 4.0})


@pytest.mark.parametrize("count", [2, 3, 20])
def test_exploration_begins_evenly_and_falls_with_the_root_of_the_step(count: int) -> None:
    found = [explore(count, step) for step in (1, 4, 10**4, 4 * 10**4)]
    assert found[0] == 1 / count
    assert found[2] == pytest.approx(math.sqrt(math.log(count) / count) / 100)
    assert found[3] == pytest.approx(found[2] / 2)


def test_losses_of_the_warm_up_are_not_added_up() -> None:
    one, two = Sampler(ODM(warm_up=3), SIZES), Sampler(ODM(warm_up=3), SIZES)
    for number in range(6):
        one.update({"en-az": 4.0 if number >= 3 else 50.0, "en-fr": 1.0})
        two.update({"en-az": 4.0, "en-fr": 1.0} if number >= 3 else {})
        assert one.probabilities(1).tolist() == two.probabilities(1).tolist()
    assert one.probabilities(1)[0] > 0.1


def test_the_same_loss_counts_more_where_a_task_is_drawn_less() -> None:
    sampler = Sampler(ODM(warm_up=0), SIZES)
    sampler.update(dict.fromkeys(SIZES, 3.0))
    assert sampler.state_dict()["state"]["rewards"].tolist() == pytest.approx([3.0, 1.0, 0.5])


def test_exploration_is_the_least_share() -> None:
    sampler = Sampler(ODM(warm_up=0), EQUAL)
    for t in range(1, 60):
        sampler.update({"en-az": 90.0, "en-be": 0.1, "en-fr": 0.0})
        assert sampler.probabilities(1).min() >= explore(3, t) * (1 - 1e-12)
    assert sampler.probabilities(1)[1:] == pytest.approx([explore(3, 59)] * 2, rel=1e-6)
