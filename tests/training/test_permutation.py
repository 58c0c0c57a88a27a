import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.training.permutation import permute


@given(size=st.integers(1, 300), seed=st.integers(0, 99))
def test_every_number_has_one_place(size, seed):
    places = permute(np.arange(size), size, np.random.default_rng(seed))
    assert sorted(places.tolist()) == list(range(size))


@given(numbers=st.lists(st.integers(0, 10**9), min_size=1, unique=True), seed=st.integers(0, 99))
def test_some_without_the_others(numbers, seed):
    places = permute(np.array(numbers), 10**9 + 1, np.random.default_rng(seed))
    alone = [permute(np.array([number]), 10**9 + 1, np.random.default_rng(seed))[0] for number in numbers]
    assert places.tolist() == alone
    assert len(set(alone)) == len(numbers)
    assert 0 <= min(alone) <= max(alone) <= 10**9


@pytest.mark.parametrize("size", [1000, 4096, 100_003])
def test_as_random_as_a_shuffle(size):
    """A tenth of the numbers is spread over the range as a random tenth is, and its order is no order."""
    statistics = []
    for seed in range(200):
        places = permute(np.arange(size // 10), size, np.random.default_rng(seed))
        counts = np.bincount(places * 10 // size, minlength=10)
        expected = size / 100
        # without replacement the variance is nine tenths of the multinomial one
        statistics.append(((counts - expected) ** 2).sum() / expected / 0.9)
        assert abs(np.corrcoef(places[:-1], places[1:])[0, 1]) < 6 / np.sqrt(size // 10)
    assert np.mean(statistics) == pytest.approx(9, abs=5 * np.sqrt(18 / 200))  # χ² of 9 degrees of freedom
    assert len({tuple(permute(np.arange(9), size, np.random.default_rng(seed)).tolist()) for seed in range(200)}) == 200
