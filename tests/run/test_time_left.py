"""The time left, against jobs of known speed."""

from dataclasses import dataclass

import pytest

from catscale.run.time_left import TimeLeft


@dataclass
class Fake:
    steps: int
    seconds_after: float | None = None


def test_jobs_of_one_speed():
    now = 100.0
    jobs = [Fake(100), Fake(100), Fake(100)]
    left = TimeLeft(jobs, 2, lambda: now)
    assert left.seconds([0, 0, 0], [False] * 3) is None
    now = 103.0
    assert left.seconds([50, 50, 0], [False] * 3) is None  # too early
    now = 110.0
    assert left.seconds([50, 50, 0], [False] * 3) == pytest.approx(20)
    now = 124.0
    jobs[0].seconds_after = jobs[1].seconds_after = 4.0  # both at once, from 120 to 124
    assert left.seconds([100, 100, 0], [True, True, False]) == pytest.approx(100 * 20 / 200 + 4)


def test_what_an_earlier_command_did_is_no_speed():
    now = 0.0
    left = TimeLeft([Fake(1000)], 1, lambda: now)
    left.seconds([900], [False])
    now = 10.0
    assert left.seconds([900], [False]) is None
    assert left.seconds([910], [False]) == pytest.approx(90)
