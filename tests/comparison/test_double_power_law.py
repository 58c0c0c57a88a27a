"""The double power law: made-up laws whose parameters and whose best temperature are known."""

import math

import numpy as np
import pytest

from catscale.comparison import double_power_law
from catscale.comparison.double_power_law import (
    BOUNDS,
    DoublePowerLaw,
    check_enough,
    fit_best_temperature,
    share_out,
)
from catscale.errors import ConfigError

SIZES = [112, 140, 250, 900, 2500, 4000, 4500, 5200]
TEMPERATURES = [1.0, 2.0, 5.0, 100.0]
K, ALPHA, Q, BETA, GAMMA, B = 72.0, 0.7, 230.0, 0.6, -0.5, 0.004
FLOORS = [0.2 + 0.03 * n for n in range(8)]


def true_loss(sizes: list[int], temperature: float) -> list[float]:
    """The law as its paper writes it, number by number."""
    powers = [size ** (1 / temperature) for size in sizes]
    shares = [power / sum(powers) for power in powers]
    return [
        (K * p) ** -ALPHA + (size**GAMMA + B) * (Q * p) ** BETA + floor
        for p, size, floor in zip(shares, sizes, FLOORS, strict=True)
    ]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def true_best() -> float:
    """The least of a fine grid of temperatures."""
    grid = [1 / (0.01 + 0.99 * i / 2000) for i in range(2001)]
    return min(grid, key=lambda temperature: mean(true_loss(SIZES, temperature)))


def arrays(losses: list[list[float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array(SIZES, float), np.array(TEMPERATURES), np.array(losses)


@pytest.fixture(scope="module")
def exact():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(double_power_law, "DRAWS", 5)
        return fit_best_temperature(*arrays([true_loss(SIZES, t) for t in TEMPERATURES]))


def test_the_parameters_of_a_law_without_noise_are_found(exact):
    assert exact.law.exponents == pytest.approx([ALPHA, BETA, GAMMA], abs=1e-3)
    center = math.exp(mean([math.log(size) for size in SIZES]))
    expected = [K**-ALPHA, Q**BETA * center**GAMMA, B * Q**BETA]
    assert exact.law.factors == pytest.approx(expected, rel=0.02, abs=1e-3)
    assert exact.law.floors == pytest.approx(FLOORS, abs=1e-3)
    assert exact.error < 1e-6


def test_its_best_temperature_was_not_run_and_is_found(exact):
    best = true_best()
    assert 2.2 < best < 4.5
    assert exact.temperature == pytest.approx(best, rel=0.01)
    assert exact.interval == pytest.approx((best, best), rel=0.01)
    assert exact.is_inside
    assert exact.ends == (1.0, 100.0)


@pytest.mark.parametrize("temperature", [1.3, 3.0, 30.0])
def test_it_predicts_temperatures_that_were_not_run(exact, temperature):
    (found,) = exact.law.predict(np.array([temperature]))
    assert found == pytest.approx(true_loss(SIZES, temperature), abs=1e-4)


def test_noise_widens_the_interval(monkeypatch):
    monkeypatch.setattr(double_power_law, "DRAWS", 8)
    rng = np.random.default_rng(2)
    sizes, temperatures, losses = arrays([true_loss(SIZES, t) for t in TEMPERATURES])
    found = fit_best_temperature(sizes, temperatures, losses + rng.normal(0, 0.02, losses.shape))
    assert 0.008 < found.error < 0.04
    low, high = found.interval
    assert abs(found.temperature - true_best()) < 1
    assert 0.1 < high - low < 4
    again = fit_best_temperature(sizes, temperatures, losses + np.random.default_rng(2).normal(0, 0.02, losses.shape))
    assert again.interval == found.interval  # its draws follow from a seed


@pytest.mark.slow  # a minute of fits
def test_the_interval_holds_the_truth_about_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(double_power_law, "DRAWS", 40)
    sizes, temperatures, losses = arrays([true_loss(SIZES, t) for t in TEMPERATURES])
    best, rng = true_best(), np.random.default_rng(0)
    found = [fit_best_temperature(sizes, temperatures, losses + rng.normal(0, 0.02, losses.shape)) for _ in range(24)]
    assert sum(each.interval[0] <= best <= each.interval[1] for each in found) >= 19
    assert np.mean([each.error for each in found]) == pytest.approx(0.02, rel=0.15)
    assert np.mean([each.temperature for each in found]) == pytest.approx(best, rel=0.05)


def test_without_overfitting_the_best_is_at_the_end_of_what_was_run(monkeypatch):
    """A p^(−α) alone, of the same factor for all: the least mean has equal shares, at T = ∞."""
    monkeypatch.setattr(double_power_law, "DRAWS", 3)
    sizes, temperatures = np.array(SIZES, float), np.array(TEMPERATURES)
    found = fit_best_temperature(sizes, temperatures, 0.1 * share_out(sizes, temperatures) ** -0.5 + 0.3)
    assert found.temperature == pytest.approx(100)
    assert not found.is_inside
    assert found.interval == pytest.approx((100, 100))


def test_where_more_pairs_hurt_all_the_best_is_the_lowest_temperature(monkeypatch):
    monkeypatch.setattr(double_power_law, "DRAWS", 3)
    sizes, temperatures = np.array(SIZES, float), np.array(TEMPERATURES)
    relative = (sizes / np.exp(np.log(sizes).mean())) ** -1.0
    found = fit_best_temperature(sizes, temperatures, relative * share_out(sizes, temperatures) ** 1.0 + 0.3)
    assert found.temperature == pytest.approx(1)
    assert not found.is_inside


def test_exponents_stay_within_their_bounds(exact):
    for value, (low, high) in zip(exact.law.exponents, BOUNDS, strict=True):
        assert low <= value <= high
    assert (exact.law.factors >= 0).all()


def test_shares_are_those_of_temperature_sampling():
    found = share_out(np.array([100.0, 10000.0]), np.array([1.0, 2.0, 1e9]))
    assert found == pytest.approx(np.array([[1 / 101, 100 / 101], [1 / 11, 10 / 11], [0.5, 0.5]]))


def test_a_law_by_hand():
    """One task of the mean size, a share of a half: 2 / √½ + 3 · ½ + 1 · ½ + 0.25."""
    law = DoublePowerLaw(
        np.array([0.5, 1.0, -1.0]), np.array([2.0, 3.0, 1.0]), np.array([0.25, 0.25]), np.array([7.0, 7.0])
    )
    assert law.predict(np.array([5.0])) == pytest.approx(np.full((1, 2), 2 * 2**0.5 + 1.5 + 0.5 + 0.25))


@pytest.mark.parametrize(
    ("temperatures", "told"), [([1, 5, 100], "T=1, T=5, T=100"), ([], "none"), ([2, 2, 2, 5, 9], "T=2, T=5, T=9")]
)
def test_too_few_temperatures_are_refused(temperatures, told):
    with pytest.raises(ConfigError, match=f"needs 4 plain temperatures, found {told}; add others to the sweep"):
        check_enough(8, np.array(temperatures, float))


def test_too_few_losses_are_refused():
    with pytest.raises(
        ConfigError, match="of 2 tasks has 8 parameters, found 8 losses of T=1, T=2, T=5, T=9; add temperat"
    ):
        check_enough(2, np.array([1.0, 2.0, 5.0, 9.0]))
    check_enough(3, np.array([1.0, 2.0, 5.0, 9.0]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_losses_that_are_not_finite_are_refused(value):
    losses = [true_loss(SIZES, t) for t in TEMPERATURES]
    losses[1][3] = value
    with pytest.raises(ConfigError, match="needs finite losses of all tasks and sizes above 0; leave the others out"):
        fit_best_temperature(*arrays(losses))
