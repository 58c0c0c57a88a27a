"""χ²-resampling: known answers, the conditions of the maximum, when the mixture changes, baselines."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from catscale.errors import ConfigError
from catscale.sampling import ChiSquare, Sampler
from catscale.sampling.chi_square import find_worst_case

SIZES = {"en-az": 10, "en-be": 30, "en-fr": 60}
P, V = np.array([0.6, 0.3, 0.1]), np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("radius", "expected"), [(0.05, [0.458579, 0.370711, 0.170711]), (0.5, [0.152786, 0.523607, 0.323607])]
)
def test_known_answers(radius: float, expected: list[float]) -> None:
    assert find_worst_case(P, V, radius, 0.0) == pytest.approx(expected, abs=1e-6)


def test_where_the_ball_is_wide_all_above_the_floors_goes_to_the_largest() -> None:
    assert find_worst_case(P, V, 50.0, 0.2) == pytest.approx([0.12, 0.06, 0.82], abs=1e-6)
    assert find_worst_case(P, np.ones(3), 0.5, 0.2).tolist() == P.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_no_other_mixture_of_the_ball_is_worse(seed: int) -> None:
    """Against a general solver, from the middle of the ball."""
    rng = np.random.default_rng(seed)
    p, v, radius, least = rng.dirichlet(np.ones(5)), rng.normal(size=5), float(rng.uniform(0.02, 1)), 0.2
    found = find_worst_case(p, v, radius, least)
    assert found.sum() == pytest.approx(1)
    assert (found >= least * p - 1e-7).all()
    assert 0.5 * (p * (found / p - 1) ** 2).sum() <= radius + 1e-8
    constraints = [
        {"type": "eq", "fun": lambda q: q.sum() - 1},
        {"type": "ineq", "fun": lambda q: radius - 0.5 * (p * (q / p - 1) ** 2).sum()},
    ]
    other = minimize(lambda q: -(q @ v), p, method="SLSQP", bounds=[(least * x, 1) for x in p], constraints=constraints)
    assert found @ v >= -other.fun - 1e-5


def test_the_mixture_changes_from_the_second_interval_on() -> None:
    sampler = Sampler(ChiSquare(interval=3, radius=0.05), SIZES)
    shares = []
    for _ in range(7):
        sampler.update({"en-az": 3.0, "en-be": 2.0, "en-fr": 1.0})
        shares.append(sampler.probabilities(1).tolist())
    assert shares[:5] == [shares[0]] * 5
    assert shares[0] == pytest.approx([0.1, 0.3, 0.6])
    assert shares[5] == pytest.approx([0.170711, 0.370711, 0.458579], abs=1e-6)
    assert shares[6] == shares[5]


def test_a_slow_transcription_with_baselines() -> None:
    method = ChiSquare(interval=1, radius=0.2, smoothing=0.25, baselines={"en-az": 2.0, "en-be": 0.5, "en-fr": 0.25})
    sampler, rng = Sampler(method, SIZES), np.random.default_rng(0)
    p, b, running = np.array([0.1, 0.3, 0.6]), np.array([2.0, 0.5, 0.25]), [float("nan")] * 3
    for number in range(8):
        losses = rng.uniform(0.5, 4, 3)
        held = [0, 1, 2] if number == 0 else [number % 3]
        sampler.update({list(SIZES)[n]: float(losses[n]) for n in held})
        for n in held:
            running[n] = losses[n] if number == 0 else 0.75 * running[n] + 0.25 * losses[n]
        v = np.array(running) - b
        v = np.array(running) if (v < 0).all() else v
        q = np.maximum(find_worst_case(p, v, 0.2, 0.2), 0.1)
        assert sampler.probabilities(1) == pytest.approx(p if number == 0 else q / q.sum(), rel=1e-9)


def test_losses_below_all_baselines_count_as_they_are() -> None:
    """Not as v = (−6, −6.5, −4), by which the largest task would be drawn more."""
    one = Sampler(ChiSquare(interval=1, baselines={"en-az": 9.0, "en-be": 8.5, "en-fr": 5.0}), SIZES)
    two = Sampler(ChiSquare(interval=1), SIZES)
    for sampler in (one, two, one, two):
        sampler.update({"en-az": 3.0, "en-be": 2.0, "en-fr": 1.0})
    assert one.probabilities(1).tolist() == two.probabilities(1).tolist()
    assert one.probabilities(1)[0] > 0.11


def test_a_task_that_was_not_drawn_counts_with_the_mean_of_the_others() -> None:
    one, two = Sampler(ChiSquare(interval=1), SIZES), Sampler(ChiSquare(interval=1), SIZES)
    for _ in range(2):
        one.update({"en-az": 3.0, "en-fr": 1.0})
        two.update({"en-az": 3.0, "en-be": 2.0, "en-fr": 1.0})
    assert one.probabilities(1) == pytest.approx(two.probabilities(1), rel=1e-9)


def test_baselines_are_of_the_tasks() -> None:
    with pytest.raises(ConfigError, match=r"baselines must be losses of en-az, en-be, en-fr, found those of xx; give"):
        Sampler(ChiSquare(baselines={"xx": 1.0}), SIZES)
    with pytest.raises(ConfigError, match="baseline_run is read where a configuration is, which did not happen here"):
        Sampler(ChiSquare(baseline_run=Path("run")), SIZES)
    assert ChiSquare(baseline_run=Path("run")).compared_run == Path("run")
    filled = ChiSquare(baseline_run=Path("run")).with_baselines({"en-az": 1.0}, {"en-az": 2.0})
    assert (filled.compared_run, filled.baselines) == (None, {"en-az": 1.0})
    assert Sampler(filled, SIZES).state_dict()["state"]["baselines"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("seed", range(3))
def test_without_floors_in_reach_the_answer_has_a_closed_form(seed: int) -> None:
    """q = p (1 + (v − ⟨p, v⟩) / λ) with λ = √(Var_p v / 2ρ)."""
    rng = np.random.default_rng(seed)
    p, v, radius = rng.dirichlet(np.full(6, 5.0)), rng.uniform(-1, 1, 6), 0.02
    mean = float(p @ v)
    scale = np.sqrt(float(p @ (v - mean) ** 2) / (2 * radius))
    expected = p * (1 + (v - mean) / scale)
    assert (expected > 0.2 * p).all()
    assert find_worst_case(p, v, radius, 0.2) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("radius", [0.05, 0.5, 3.0])
def test_only_the_order_and_the_ratios_of_the_excesses_count(radius: float) -> None:
    p, v = np.array([0.4, 0.1, 0.3, 0.2]), np.array([0.3, 1.1, 0.3, -0.7])
    found = find_worst_case(p, v, radius, 0.1)
    assert find_worst_case(p, 1000 * v + 77, radius, 0.1) == pytest.approx(found, rel=1e-6)
    order = np.array([2, 0, 3, 1])
    assert find_worst_case(p[order], v[order], radius, 0.1) == pytest.approx(found[order], rel=1e-9)
    assert found[0] / p[0] == pytest.approx(found[2] / p[2], rel=1e-9)
    assert (np.diff((found / p)[[3, 0, 1]]) >= -1e-9).all()


def test_the_wider_the_ball_the_worse_its_worst_case() -> None:
    values = [float(find_worst_case(P, V, radius, 0.1) @ V) for radius in (1e-9, 0.01, 0.1, 1.0, 10.0)]
    assert values[0] == pytest.approx(float(P @ V), abs=1e-4)
    assert (np.diff(values) > 0.01).all()


def test_one_task_is_all_there_is() -> None:
    assert find_worst_case(np.ones(1), np.array([3.0]), 0.5, 0.2).tolist() == [1]


def test_no_task_falls_below_the_smallest_share_of_the_data() -> None:
    """The easiest task would have a fifth of its share; it is kept at min p before the sum is made 1."""
    sizes = {"en-az": 10, "en-be": 10, "en-fr": 80}
    sampler = Sampler(ChiSquare(interval=1, radius=50), sizes)
    for _ in range(2):
        sampler.update({"en-az": 1.0, "en-be": 9.0, "en-fr": 2.0})
    worst = np.array([0.02, 1 - 0.02 - 0.16, 0.16])
    expected = np.maximum(worst, 0.1)
    assert sampler.probabilities(1) == pytest.approx(expected / expected.sum(), abs=1e-6)


def test_a_task_that_is_not_named_has_the_mean_of_the_baselines() -> None:
    sampler = Sampler(ChiSquare(baselines={"en-az": 3.0, "en-fr": 1.0, "xx": 99.0}), SIZES)
    assert sampler.state_dict()["state"]["baselines"].tolist() == [3, 2, 1]
