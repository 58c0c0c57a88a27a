from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.errors import ConfigError
from catscale.sampling import draw_tasks

weights = st.lists(st.floats(0.001, 1000), min_size=1, max_size=15)


@settings(deadline=None)
@given(weights, st.integers(1, 40), st.integers(0, 2**32), st.integers(1, 10**6))
def test_each_task_is_drawn_floor_or_ceil_of_its_share(weights, count, seed, step):
    probabilities = np.array(weights) / sum(weights)
    found = draw_tasks(probabilities, count, seed, step)
    assert len(found) == count
    assert (np.diff(found) >= 0).all()
    times = np.bincount(found, minlength=len(weights))
    assert len(times) == len(weights)
    assert (np.abs(times - count * probabilities) < 1 + 1e-9).all()
    assert draw_tasks(probabilities, count, seed, step).tolist() == found.tolist()


@pytest.mark.parametrize("count", [1, 3, 8])
def test_marginals(count):
    probabilities = np.array([0.02, 0.08, 0.3, 0.6])
    steps = 20_000
    found = np.concatenate([draw_tasks(probabilities, count, 5, step) for step in range(steps)])
    share = np.bincount(found, minlength=4) / len(found)
    assert np.abs(share - probabilities).max() < 4 * np.sqrt(0.25 / steps / count)
    assert abs(share[0] - 0.02) < 4 * np.sqrt(0.02 / steps / count)


def test_seeds_and_steps_differ():
    probabilities = np.full(10, 0.1)
    draws = {tuple(draw_tasks(probabilities, 4, seed, step)) for seed in range(5) for step in range(20)}
    assert len(draws) > 4
    assert {draw_tasks(probabilities, 1, 0, step)[0] for step in range(200)} == set(range(10))


def test_a_task_of_no_probability_is_never_drawn():
    probabilities = np.array([0.0, 1.0, 0.0])
    assert {n for step in range(500) for n in draw_tasks(probabilities, 3, 1, step)} == {1}


def test_every_two_tasks_meet():
    """A comb over tasks in a fixed order would never draw neighbours of equal width together."""
    probabilities = np.full(8, 1 / 8)
    together = {tuple(pair) for step in range(300) for pair in combinations(draw_tasks(probabilities, 4, 1, step), 2)}
    assert len(together) == 8 * 7 / 2


def test_rounding_never_draws_a_task_of_no_probability(monkeypatch):
    """Where the probabilities add up to a little less than 1, the last point may lie beyond them."""
    probabilities = np.array([0.0, 0.1, 0.0, 0.2, 0.0]) / (0.3 * (1 + 1e-9))

    class LastPoint:
        def __init__(self, seed: list[int]) -> None:
            self.order = np.random.Generator(np.random.PCG64(seed))

        def permutation(self, count: int) -> np.ndarray:
            return self.order.permutation(count)

        def random(self) -> float:
            return 1 - 2**-53

    monkeypatch.setattr(np.random, "default_rng", LastPoint)
    for step in range(50):
        assert set(draw_tasks(probabilities, 4, 1, step)) <= {1, 3}


@pytest.mark.parametrize("shares", [[0.5, 0.6], [-0.1, 1.1], [float("nan"), 1.0], [[1.0]]])
def test_what_are_no_probabilities(shares):
    with pytest.raises(ConfigError, match="probabilities of 0 or more with sum 1, 0 or more times, found"):
        draw_tasks(np.array(shares), 3, 0, 0)
