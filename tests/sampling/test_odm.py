"""Online data mixing: known answers, a slow transcription, the warm-up."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from catscale.errors import ConfigError
from catscale.sampling import ODM, Sampler
from catscale.sampling.odm import ODMState

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
