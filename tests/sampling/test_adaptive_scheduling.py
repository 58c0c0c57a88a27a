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


def test_the_factor_is_the_ratio_of_likelihoods_to_a_power_and_has_a_bound() -> None:
    for power, excess, factor in ((1.0, math.log(2), 2), (2.0, math.log(2), 4), (1.0, 50.0, 5), (0.5, math.log(9), 3)):
        sampler = Sampler(AdaptiveScheduling(baselines=BASELINES, power=power, most=5, floor=0), SIZES)
        sampler.update({"en-az": 3.0 + excess, "en-be": 2.0, "en-fr": 0.1})
        weights = np.array([10 * factor, 30, 60])
        assert sampler.probabilities(1) == pytest.approx(weights / weights.sum(), rel=1e-12)


def test_a_task_that_was_not_validated_keeps_its_loss_and_smoothing_begins_with_its_first() -> None:
    sampler = Sampler(AdaptiveScheduling(baselines=BASELINES, smoothing=0.75), SIZES)
    for row in ({"en-az": 4.0}, {"en-be": 8.0}, {"en-az": 8.0, "en-be": 4.0}):
        sampler.update(row)
    losses = sampler.state_dict()["state"]["losses"].tolist()
    assert losses[:2] == [5.0, 7.0]
    assert math.isnan(losses[2])


def test_what_it_asks_for_and_settings_out_of_range() -> None:
    assert AdaptiveScheduling().request.against == "dev_losses"
    assert AdaptiveScheduling(baselines=BASELINES, baseline_run=Path("run")).compared_run is None
    with pytest.raises(ConfigError, match=r"sampling.floor must be below 1/3 for 3 tasks, found 0.5"):
        Sampler(AdaptiveScheduling(baselines=BASELINES, floor=0.5), SIZES)
