import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.errors import ConfigError
from catscale.sampling import TemperatureSampling, temperature_shares

sizes_of = st.lists(st.integers(1, 10**9), min_size=1, max_size=20)


def test_known_answers():
    sizes = [5_946, 4_509, 10_017, 184_785, 208_106, 182_481, 103_093, 61_470]  # TED-8 related
    assert temperature_shares(sizes, 1) == pytest.approx(np.array(sizes) / sum(sizes))
    fifth = [size**0.2 for size in sizes]
    assert temperature_shares(sizes, 5) == pytest.approx(np.array(fifth) / sum(fifth))
    assert temperature_shares(sizes, 100) == pytest.approx(np.full(8, 1 / 8), rel=0.03)
    assert temperature_shares([1, 4, 25], 2).tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8])


def test_an_extreme_temperature_does_not_overflow():
    assert temperature_shares([10, 10**6], 0.01).tolist() == [0, 1]


@settings(deadline=None)
@given(sizes_of, st.floats(0.05, 1000))
def test_properties(sizes, temperature):
    found = temperature_shares(sizes, temperature)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert (np.diff(found[np.argsort(sizes, kind="stable")]) >= -1e-15).all()
    assert temperature_shares(sizes[::-1], temperature) == pytest.approx(found[::-1])
    ratio = temperature * math.log(found[0] / found[-1]) if found[0] and found[-1] else None
    if ratio is not None and max(sizes[0] / sizes[-1], sizes[-1] / sizes[0]) ** (1 / temperature) < 1e100:
        assert ratio == pytest.approx(math.log(sizes[0] / sizes[-1]), abs=1e-9 * max(1, temperature), rel=1e-6)


@pytest.mark.parametrize(
    ("temperature", "message"),
    [(0, "greater than 0"), (-1, "greater than 0"), (float("nan"), "finite"), (float("inf"), "finite")],
)
def test_the_temperature_is_positive_and_finite(temperature, message):
    with pytest.raises(ConfigError, match=message):
        TemperatureSampling(temperature=temperature)


@pytest.mark.parametrize(("sizes", "temperature"), [([], 1), ([3, 0], 1), ([1, 2], 0), ([1, 2], float("nan"))])
def test_what_has_no_shares(sizes, temperature):
    with pytest.raises(ConfigError, match="shares need one or more sizes of 1 or more and a temperature above 0"):
        temperature_shares(sizes, temperature)
