"""Courses of the learning rate against known values and slow transcriptions."""

import math
from itertools import pairwise

import pytest

from catscale.errors import ConfigError, UnknownNameError
from catscale.optimisation.adamw import AdamW
from catscale.optimisation.schedule import SCHEDULES, rate_factor


def rates(schedule: str, steps: int, warmup: int, total: int | None) -> list[float]:
    return [rate_factor(schedule, step, warmup, total) for step in range(1, steps + 1)]


def test_inverse_sqrt_rises_in_a_line_and_falls_with_the_root() -> None:
    found = rates("inverse_sqrt", 2000, 400, None)
    assert found[0] == pytest.approx(1 / 400)
    assert found[199] == pytest.approx(0.5)
    assert max(found) == found[399] == 1
    assert found[1599] == pytest.approx(0.5)
    assert all(a < b for a, b in pairwise(found[:400]))
    assert all(a > b for a, b in pairwise(found[399:]))


def test_inverse_sqrt_is_the_schedule_of_the_transformer() -> None:
    """lrate = d^-½ · min(step^-½, step · warmup^-1.5), scaled to its peak."""
    settings = AdamW(learning_rate=512**-0.5 * 4000**-0.5, warmup_steps=4000)
    for step in (1, 17, 4000, 4001, 100_000):
        assert settings.rate(step) == pytest.approx(512**-0.5 * min(step**-0.5, step * 4000**-1.5))


def test_inverse_sqrt_is_bit_for_bit_that_of_version_0_1() -> None:
    for peak, warmup in ((1e-3, 400), (4e-3, 150), (0.3, 0), (2e-3, 7)):
        settings = AdamW(learning_rate=peak, warmup_steps=warmup)
        for step in range(1, 1000):
            rise = max(1, warmup)
            assert settings.rate(step) == peak * min(step / rise, math.sqrt(rise / step))


def test_known_values() -> None:
    """Four updates of warm-up and twelve in all: nine parts of the fall, eight of them taken."""
    rise = [0.25, 0.5, 0.75]
    assert rates("linear", 14, 4, 12) == pytest.approx([*rise, *(part / 9 for part in range(9, 0, -1)), 0, 0])
    fall = [1.0, 0.969846, 0.883022, 0.75, 0.586824, 0.413176, 0.25, 0.116978, 0.030154]
    assert rates("cosine", 14, 4, 12) == pytest.approx([*rise, *fall, 0, 0], abs=1e-6)
    assert rates("constant", 14, 4, None) == [*rise, *[1.0] * 11]


@pytest.mark.parametrize("total", [1, 5, 100])
@pytest.mark.parametrize("warmup", [0, 1, 3, 99, 100, 500])
def test_slow_transcriptions(warmup: int, total: int) -> None:
    for step in range(1, total + 20):
        peak = max(warmup, 1)
        if step < peak:
            expected = dict.fromkeys(SCHEDULES, step / peak)
        else:
            part = 1.0 if step > total else (step - peak) / (total + 1 - peak)
            cosine = 0.5 + 0.5 * math.cos(math.pi * part)
            expected = {"linear": 1 - part, "cosine": cosine, "constant": 1, "inverse_sqrt": (peak / step) ** 0.5}
        for name, value in expected.items():
            assert rate_factor(name, step, warmup, total) == pytest.approx(value, abs=1e-12), (name, step)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_without_warmup_it_starts_at_the_peak(schedule: str) -> None:
    assert rate_factor(schedule, 1, 0, 10) == 1


def test_a_plan_is_made_where_it_is_needed_and_kept() -> None:
    assert AdamW().for_training(50) == AdamW()
    planned = AdamW(schedule="cosine").for_training(50)
    assert planned.total_steps == 50
    assert planned.for_training(99) == planned
    assert AdamW(schedule="linear", total_steps=7).for_training(50).total_steps == 7


def test_a_course_that_ends_needs_its_length() -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.total_steps follows from the length of the training"):
        AdamW(schedule="cosine").factor(1)


def test_an_unknown_schedule() -> None:
    with pytest.raises(ConfigError, match=r"AdamW\.schedule: there is no such schedule; did you mean 'cosine'\?"):
        AdamW(schedule="cosin")
    with pytest.raises(UnknownNameError, match="there is no schedule 'step'"):
        rate_factor("step", 9, 1, None)
