"""What is told of how far a preparation is."""

import pytest

from catscale.data.preparation import meter as module
from catscale.data.preparation.meter import Meter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("catscale.data.preparation.meter.time.monotonic", lambda: now[0])
    return now


def test_a_line_comes_at_the_interval_and_at_the_end_of_a_stage(clock: list[float]) -> None:
    said: list[str] = []
    with Meter(said.append, bar=False) as meter:
        meter.begin("cleaning", total=4000)
        meter.add(1000)
        assert said == []
        clock[0] += module.INTERVAL
        meter.add(1000)
        assert said == ["cleaning: 2,000 of 4,000 pairs, 133 pairs/s"]
        meter.add(1000)
        assert len(said) == 1
        clock[0] += 5
        meter.begin("encoding")
        assert said[1:] == ["cleaning: 3,000 pairs in 20.0 s, 150 pairs/s"]
        clock[0] += 2
        meter.add(10)
    assert said[2:] == ["encoding: 10 pairs in 2.0 s, 5 pairs/s"]


def test_a_short_stage_and_one_that_failed_are_not_told_of(clock: list[float]) -> None:
    said: list[str] = []
    with Meter(said.append, bar=False) as meter:
        meter.begin("cleaning")
        meter.add(5)

    def fail() -> None:
        with Meter(said.append, bar=False) as meter:
            meter.begin("cleaning")
            meter.add(5)
            clock[0] += 9
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert said == []
