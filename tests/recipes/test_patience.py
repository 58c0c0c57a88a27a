"""The rate of a download, window by window, by a clock that is made up."""

import pytest

from catscale.recipes import patience
from catscale.recipes.patience import BrokenError, Pace, Patience, SlowError


class _Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    made = _Clock()
    monkeypatch.setattr(patience, "time", made)
    return made


def test_within_a_window_nothing_is_too_slow(clock: _Clock) -> None:
    pace = Pace(Patience(slowest=10, window=20))
    clock.now += 19.9
    pace.count(0)


def test_a_window_needs_the_slowest_rate(clock: _Clock) -> None:
    pace = Pace(Patience(slowest=10, window=20))
    clock.now += 20
    pace.count(200)
    clock.now += 20
    with pytest.raises(SlowError, match=r"^only .* came in 20 s$"):
        pace.count(199)


def test_a_fast_window_does_not_pay_for_the_next(clock: _Clock) -> None:
    pace = Pace(Patience(slowest=10, window=20))
    clock.now += 20
    pace.count(10**6)
    clock.now += 40
    with pytest.raises(SlowError, match="came in 40 s"):
        pace.count(0)


def test_a_broken_try_carries_the_server_s_wish() -> None:
    assert BrokenError("busy", 3.0).wait == 3.0
    assert BrokenError("busy").wait is None
    assert isinstance(SlowError("slow"), BrokenError)
