"""Soft UniMax: the maximum of its objective, the course of its shares, what it needs."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from catscale.errors import ConfigError
from catscale.sampling import Sampler, SoftUniMax
from catscale.sampling.soft_unimax import find_last, soft_budgets

U = np.array([100.0, 1000.0, 10_000.0])
SIZES = {"en-az": 100, "en-be": 1000, "en-fr": 10_000}


def worth(drawn: np.ndarray, repeats: float) -> np.ndarray:
    """D', transcribed."""
    pairs = zip(drawn.tolist(), U.tolist(), strict=True)
    return np.array([d if d <= u else u * (1 + repeats * (1 - np.exp((1 - d / u) / repeats))) for d, u in pairs])


@pytest.mark.parametrize(("budget", "beta", "repeats"), [(150, 0.3, 4), (3000, 0.3, 4), (20_000, 1.0, 2)])
def test_budgets_are_the_maximum(budget: float, beta: float, repeats: float) -> None:
    found = soft_budgets(U, budget, beta, repeats)
    assert found.sum() == pytest.approx(budget)

    def loss(logits: np.ndarray) -> float:
        shares = np.exp(logits - logits.max())
        return float((worth(budget * shares / shares.sum(), repeats) ** -beta).sum())

    other = minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000})
    assert loss(np.log(found)) <= other.fun * (1 + 1e-9)


def test_short_trainings_share_equally_and_long_ones_by_what_repeating_is_worth() -> None:
    assert soft_budgets(U, 150, 0.3, 4) == pytest.approx([50, 50, 50])
    epochs = soft_budgets(U, 20_000, 0.3, 4) / U
    assert epochs[0] > epochs[1] > epochs[2] > 1


def test_the_shares_begin_with_the_data_s_and_make_the_budgets() -> None:
    method = SoftUniMax(steps=400, step_tokens=50)
    sampler = Sampler(method, SIZES)
    shares = np.array([sampler.probabilities(step) for step in range(1, 401)])
    assert shares[0] == pytest.approx(U / U.sum(), rel=0.05)
    assert (np.diff(shares[:, 0]) > 0).all()
    budgets = soft_budgets(U, 20_000, 0.3, 4)
    assert shares.mean(0) * 20_000 == pytest.approx(budgets, rel=1e-3)
    assert sampler.probabilities(10**6) == pytest.approx(shares[-1], rel=0.05)


def test_lengths_make_the_shares_those_of_tokens() -> None:
    lengths = {"en-az": 4.0, "en-be": 1.0, "en-fr": 2.0}
    method = SoftUniMax().for_training(100).for_data(lengths, 300)
    assert (method.steps, method.step_tokens, method.lengths) == (100, 300, lengths)
    sampler = Sampler(method, SIZES)
    tokens = np.array([4.0, 1.0, 2.0]) * np.array([sampler.probabilities(step) for step in range(1, 101)])
    mean = (tokens / tokens.sum(1, keepdims=True)).mean(0)
    budgets = soft_budgets(np.array([400.0, 1000.0, 20_000.0]), 30_000, 0.3, 4)
    assert mean * 30_000 == pytest.approx(budgets, rel=2e-3)


def test_the_last_shares_reach_a_target() -> None:
    first, target = np.log(U), np.array([0.3, 0.3, 0.4])
    last = find_last(first, target)
    places = (np.arange(2000) + 0.5) / 2000
    rows = np.array([(1 - u) * first + u * last for u in places])
    shares = np.exp(rows - rows.max(1, keepdims=True))
    assert (shares / shares.sum(1, keepdims=True)).mean(0) == pytest.approx(target, abs=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "soft_unimax shares out the tokens of the whole training, which are not known here; give steps and step"),
        ({"steps": 5, "step_tokens": 5, "lengths": {"en-az": 1.0}}, "must give .* found none for en-be, en-fr; give"),
    ],
)
def test_settings_that_do_not_suffice(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Sampler(SoftUniMax(**settings), SIZES)


def test_at_the_maximum_one_more_token_is_worth_the_same_everywhere() -> None:
    """The slopes of −D'^(−β) in d, by differences."""
    found = soft_budgets(U, 30_000, 0.5, 3)
    rises = []
    for place in range(3):
        step = np.zeros(3)
        step[place] = 1e-4 * found[place]
        rise = -(worth(found + step, 3) ** -0.5) + worth(found - step, 3) ** -0.5
        rises.append(rise[place] / (2 * step[place]))
    assert rises == pytest.approx([rises[0]] * 3, rel=1e-5)


def test_budgets_scale_with_the_data_follow_its_order_and_never_fall_as_the_training_grows() -> None:
    found = soft_budgets(U, 20_000, 0.3, 4)
    assert soft_budgets(7 * U[[2, 0, 1]], 140_000, 0.3, 4) == pytest.approx(7 * found[[2, 0, 1]], rel=1e-9)
    assert (soft_budgets(U, 5000, 0.3, 4) < found).all()


def test_where_repeating_costs_nothing_all_have_the_same() -> None:
    assert soft_budgets(U, 30_000, 0.3, 1e6) == pytest.approx([10_000] * 3, rel=2e-3)


def test_a_target_of_the_data_s_own_shares_stays_where_it_began() -> None:
    last = find_last(np.log(U), U / U.sum())
    assert last - last[0] == pytest.approx(np.log(U) - np.log(U[0]), abs=1e-8)
    assert last.max() == 0


def test_tasks_of_one_size_have_even_shares_at_any_step() -> None:
    sampler = Sampler(SoftUniMax(steps=10, step_tokens=1000), dict.fromkeys(SIZES, 50))
    for step in (1, 5, 10, 11):
        assert sampler.probabilities(step) == pytest.approx([1 / 3] * 3, rel=1e-9)
    given = SoftUniMax(steps=3, step_tokens=4, lengths={"en-az": 1.0})
    assert given.for_training(9).for_data({"en-az": 7.0}, 8) == given
