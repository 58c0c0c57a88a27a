"""The sampler of dev losses: which way it moves, a slow transcription, bounds, tasks without a dev split."""

import math

import numpy as np
import pytest

from catscale.sampling import DevLoss, Sampler

SIZES = {"en-az": 10, "en-be": 30, "en-fr": 60}


def give(sampler: Sampler, *rows: list[float]) -> None:
    for row in rows:
        sampler.update(dict(zip(SIZES, row, strict=True)))


def test_a_task_whose_loss_has_turned_is_drawn_less() -> None:
    sampler = Sampler(DevLoss(), SIZES)
    before = sampler.probabilities(1)
    give(sampler, [4, 4, 4])
    assert sampler.probabilities(1).tolist() == before.tolist()  # the first validation only begins the record
    give(sampler, [5, 3.9, 3.0])
    after = sampler.probabilities(1) / before
    assert after[0] < 0.9 < after[1] < after[2]


def test_where_all_fall_alike_nothing_changes() -> None:
    sampler = Sampler(DevLoss(smoothing=0), SIZES)
    before = sampler.probabilities(1)
    give(sampler, [4, 2, 6], [2, 1, 3], [1, 0.5, 1.5])
    assert sampler.probabilities(1) == pytest.approx(before, rel=1e-12)
    give(sampler, [1, 0.5, 1.5])  # no change at all
    assert sampler.probabilities(1) == pytest.approx(before, rel=1e-12)


def test_a_slow_transcription() -> None:
    method = DevLoss(rate=0.4, smoothing=0.25, most=2.0, temperature=2, floor=0.02)
    sampler, rng = Sampler(method, SIZES), np.random.default_rng(0)
    smooth: list[float] = []
    factors = [0.0, 0.0, 0.0]
    for _ in range(15):
        row = rng.uniform(1, 3, 3).tolist()
        give(sampler, row)
        new = [0.25 * old + 0.75 * value for old, value in zip(smooth, row, strict=True)] if smooth else row
        if smooth:
            falls = [(old - value) / old for old, value in zip(smooth, new, strict=True)]
            unit = sum(map(abs, falls)) / 3
            moved = [a + 0.4 * min(1, max(-1, fall / unit)) for a, fall in zip(factors, falls, strict=True)]
            factors = [min(math.log(2), max(-math.log(2), value)) for value in moved]
        smooth = new
        weights = [math.sqrt(size) * math.exp(value) for size, value in zip(SIZES.values(), factors, strict=True)]
        expected = [0.02 + 0.94 * weight / sum(weights) for weight in weights]
        assert sampler.probabilities(1) == pytest.approx(expected, rel=1e-10)


def test_a_task_without_a_dev_split_keeps_its_factor() -> None:
    sampler = Sampler(DevLoss(smoothing=0, floor=0, temperature=1), SIZES)
    for value in (4.0, 3.0, 2.0):
        sampler.update({"en-az": value, "en-be": 5 - value})
    factors = sampler.state_dict()["state"]["factors"].tolist()
    assert factors[2] == 0
    assert factors[0] > 0 > factors[1]
    sampler.update({})
    assert sampler.state_dict()["state"]["factors"].tolist() == factors


def test_it_asks_for_validations() -> None:
    request = DevLoss().request
    assert request.against == "dev_losses"
    assert not request.needs_passes
    assert not request.needs_dev


def test_the_scale_of_a_task_s_losses_changes_nothing() -> None:
    one, two = Sampler(DevLoss(), SIZES), Sampler(DevLoss(), SIZES)
    rows = [[4.0, 3.0, 2.0], [3.0, 3.1, 1.9], [3.5, 2.0, 1.8]]
    give(one, *rows)
    give(two, *([10 * a, b, c / 10] for a, b, c in rows))
    assert one.probabilities(1) == pytest.approx(two.probabilities(1), rel=1e-10)


def test_one_validation_moves_a_factor_by_the_rate_at_most_and_many_to_the_bounds() -> None:
    method = DevLoss(rate=0.3, smoothing=0, most=3, temperature=1, floor=0)
    sampler = Sampler(method, SIZES)
    give(sampler, [4, 4, 4], [400, 3.9, 4])
    found = sampler.state_dict()["state"]["factors"].tolist()
    assert found[0] == pytest.approx(-0.3)
    assert 0 < found[1] < 0.001
    assert found[2] == 0
    give(sampler, *([400 * 1.5**n, 3.9 * 0.5**n, 4.0] for n in range(1, 12)))
    weights = np.array([0.1 / 3, 0.3 * 3, 0.6])
    assert sampler.probabilities(1) == pytest.approx(weights / weights.sum(), rel=1e-10)


def test_a_task_that_is_validated_later_begins_its_own_record() -> None:
    """At its first validation it has no fall, and does not count in the mean that is the unit of the others'."""
    one, two = (Sampler(DevLoss(rate=0.5, smoothing=0, most=100, floor=0), SIZES) for _ in range(2))
    for sampler in (one, two):
        sampler.update({"en-az": 4.0, "en-be": 4.0})
    one.update({"en-az": 3.0, "en-be": 3.8})
    two.update({"en-az": 3.0, "en-be": 3.8, "en-fr": 9.0})
    assert two.probabilities(1).tolist() == one.probabilities(1).tolist()
    two.update({"en-fr": 4.5})
    factors = two.state_dict()["state"]["factors"].tolist()
    assert factors == pytest.approx([0.5, 0.5 * 0.05 / 0.15, 0.5])
    assert two.state_dict()["state"]["losses"].tolist() == [3.0, 3.8, 4.5]


def test_a_loss_of_0_has_no_relative_fall() -> None:
    sampler = Sampler(DevLoss(smoothing=0), SIZES)
    give(sampler, [0, 4, 4], [1, 3, 5])
    assert sampler.state_dict()["state"]["factors"].tolist() == pytest.approx([0, 0.3, -0.3])
