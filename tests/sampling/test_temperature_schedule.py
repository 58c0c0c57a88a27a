import numpy as np
import pytest

from catscale.errors import ConfigError
from catscale.sampling import Sampler, TemperatureSchedule, temperature_shares

SIZES = {"en-az": 10, "en-fr": 1000, "en-ru": 40}


def test_shares_are_those_of_the_step_s_temperature():
    schedule = TemperatureSchedule(knots=[(10, 1), (110, 5), (120, 2)])
    expected = {1: 1, 10: 1, 60: 1 / 0.6, 110: 5, 115: 1 / 0.35, 120: 2, 10**7: 2}
    sampler = Sampler(schedule, SIZES)
    for step, temperature in expected.items():
        assert schedule.temperature(step) == pytest.approx(temperature)
        assert sampler.probabilities(step) == pytest.approx(temperature_shares(list(SIZES.values()), temperature))


def test_log_ratios_move_evenly_between_knots():
    sampler = Sampler(TemperatureSchedule(knots=[(0, 100), (50, 1)]), SIZES)
    ratios = np.array([np.log(p[1] / p[0]) for p in map(sampler.probabilities, range(51))])
    assert np.diff(ratios) == pytest.approx(np.full(50, (np.log(100) - np.log(100) / 100) / 50))


def test_one_knot_is_a_constant():
    sampler = Sampler(TemperatureSchedule(knots=[(5, 3)]), SIZES)
    for step in (1, 5, 100):
        assert sampler.probabilities(step) == pytest.approx(temperature_shares(list(SIZES.values()), 3))


@pytest.mark.parametrize(
    ("knots", "message"),
    [
        ([(5, 1), (5, 2)], "the steps of the knots must ascend, found 5 after 5"),
        ([(5, 1), (9, 2), (3, 2)], "the steps of the knots must ascend, found 3 after 9"),
        ([], "at least 1 item"),
        ([(0, 0)], "greater than 0"),
        ([(0, float("inf"))], "finite"),
        ([(-1, 1)], "greater than or equal to 0"),
        ([(0, 1, 2)], "at most 2 items"),
    ],
)
def test_knots_that_make_no_sense(knots, message):
    with pytest.raises(ConfigError, match=message):
        TemperatureSchedule(knots=knots)


def test_schedules_by_name():
    cooldown = TemperatureSchedule(schedule="cooldown").for_training(1000)
    assert [cooldown.temperature(step) for step in (1, 400, 401, 1000)] == [5, 5, 1, 1]
    warmup = TemperatureSchedule(schedule="warmup_rich").for_training(1000)
    assert [warmup.temperature(step) for step in (1, 1000)] == pytest.approx([1, 10])
    assert 1 < warmup.temperature(500) < 2  # linear in 1/T
    kept = TemperatureSchedule(schedule="cooldown", knots=[(3, 2.0)])
    assert kept.for_training(1000) == kept
    assert TemperatureSchedule(schedule="warmup_rich").for_training(1).temperature(1) == 1


def test_neither_knots_nor_a_name():
    with pytest.raises(ConfigError, match=r"schedule one of cooldown and warmup_rich, found neither; give one"):
        TemperatureSchedule().for_training(10)
    with pytest.raises(ConfigError, match=r"sampling\.knots follows from the length of the training"):
        TemperatureSchedule(schedule="cooldown").temperature(3)
