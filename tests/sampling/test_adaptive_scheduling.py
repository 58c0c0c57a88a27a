"""Adaptive scheduling: a slow transcription, the cap, what lacks a baseline, where baselines come from."""

import math
from pathlib import Path

import numpy as np
import pytest

from catscale.errors import ConfigError
from catscale.sampling import AdaptiveScheduling, Sampler

SIZES = {"en-az": 10, "en-be": 30, "en-fr": 60}
BASELINES = {"en-az": 3.0, "en-be": 2.0, "en-fr": 1.0}


@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_a_slow_transcription(smoothing: float) -> None:
    method = AdaptiveScheduling(baselines=BASELINES, power=0.7, most=3, smoothing=smoothing, temperature=2, floor=0.01)
    sampler, rng, smooth = Sampler(method, SIZES), np.random.default_rng(0), None
    for _ in range(8):
        row = rng.uniform(0.5, 6, 3)
        sampler.update(dict(zip(SIZES, row.tolist(), strict=True)))
        smooth = row if smooth is None else smoothing * smooth + (1 - smoothing) * row
        weights = [
            math.sqrt(size) * min(3, max(1, math.exp(loss - b)) ** 0.7)
            for size, loss, b in zip(SIZES.values(), smooth, BASELINES.values(), strict=True)
        ]
        expected = [0.01 + 0.97 * weight / sum(weights) for weight in weights]
        assert sampler.probabilities(1) == pytest.approx(expected, rel=1e-10)


def test_a_task_at_its_baseline_or_without_one_keeps_its_share() -> None:
    sampler = Sampler(AdaptiveScheduling(baselines={"en-az": 3.0, "en-be": 2.0}, floor=0), SIZES)
    sampler.update({"en-az": 3.0, "en-be": 1.0, "en-fr": 9.0})
    assert sampler.probabilities(1) == pytest.approx([0.1, 0.3, 0.6])
    sampler.update({"en-az": 3.0 + math.log(2)})
    assert sampler.probabilities(1) == pytest.approx(np.array([0.2, 0.3, 0.6]) / 1.1)


def test_baselines_are_given_or_those_of_a_run() -> None:
    with pytest.raises(ConfigError, match=r"must be the dev losses .* of en-az, en-be, en-fr, found none; give"):
        Sampler(AdaptiveScheduling(), SIZES)
    with pytest.raises(ConfigError, match="found xx"):
        Sampler(AdaptiveScheduling(baselines={"xx": 1.0}), SIZES)
    named = AdaptiveScheduling(baseline_run=Path("run"))
    assert named.compared_run == Path("run")
    filled = named.with_baselines({"en-az": 1.0}, {"en-az": 2.0})
    assert (filled.compared_run, filled.baselines) == (None, {"en-az": 2.0})
