"""PiKE: the known answer, a slow transcription, and what the normalisation and the floor promise."""

import math

import numpy as np
import pytest

from catscale.errors import ConfigError, DivergedError
from catscale.sampling import PiKE, Sampler

SIZES = {"en-az": 5, "en-be": 3, "en-fr": 2}
MOMENTS = {"en-az": (1.0, 3.0), "en-be": (2.0, 2.0), "en-fr": (4.0, 1.0)}


def test_known_answer() -> None:
    sampler = Sampler(PiKE(interval=1, normalised=False, floor=0), SIZES)
    assert sampler.probabilities(1) == pytest.approx([0.5, 0.3, 0.2])
    sampler.update(MOMENTS)
    assert sampler.probabilities(2) == pytest.approx([0.43595, 0.30390, 0.26015], abs=5e-6)


@pytest.mark.parametrize("normalised", [False, True])
def test_a_slow_transcription(normalised: bool) -> None:
    method = PiKE(interval=1, gain=0.3, noise=0.7, normalised=normalised, floor=0.02, temperature=2)
    sampler, rng = Sampler(method, SIZES), np.random.default_rng(0)
    q = [math.sqrt(size) for size in SIZES.values()]
    for _ in range(20):
        m, v = rng.normal(1, 1, 3).tolist(), rng.exponential(1, 3).tolist()
        sampler.update(dict(zip(SIZES, zip(m, v, strict=True), strict=True)))
        if normalised:
            m = [max(value, 0) for value in m]
            m, v = ([value / (sum(row) / 3) for value in row] for row in (m, v))
        q = [share * math.exp(0.3 * a - 0.7 / 2 * b) for share, a, b in zip(q, m, v, strict=True)]
        q = [share / sum(q) for share in q]
        assert sampler.probabilities(1) == pytest.approx([0.02 + 0.94 * share for share in q], rel=1e-10)


def test_the_loss_s_scale_changes_nothing() -> None:
    one, two = (Sampler(PiKE(interval=1), SIZES) for _ in range(2))
    one.update(MOMENTS)
    two.update({task: (1e6 * m, 1e6 * v) for task, (m, v) in MOMENTS.items()})
    assert one.probabilities(1) == pytest.approx(two.probabilities(1), rel=1e-12)


def test_squares_below_0_count_as_0() -> None:
    sampler = Sampler(PiKE(interval=1, noise=0), SIZES)
    before = sampler.probabilities(1)
    sampler.update(dict.fromkeys(SIZES, (-1.0, 5.0)))
    assert sampler.probabilities(1) == pytest.approx(before, rel=1e-12)


@pytest.mark.parametrize(("gain", "noise", "side"), [(1.0, 0.0, 1), (0.0, 1.0, -1)])
def test_noise_repels_and_size_attracts(gain: float, noise: float, side: int) -> None:
    sampler = Sampler(PiKE(interval=1, gain=gain, noise=noise), dict.fromkeys(SIZES, 1))
    sampler.update({"en-az": (2.0, 2.0), "en-be": (1.0, 1.0), "en-fr": (1.0, 1.0)})
    assert side * (sampler.probabilities(1)[0] - 1 / 3) > 0.05


def test_the_interval_follows_from_the_training() -> None:
    with pytest.raises(ConfigError, match=r"sampling.interval follows from the length of the training"):
        _ = PiKE().request
    assert PiKE().for_training(1000).request.interval == 40
    assert PiKE(interval=7).for_training(1000).request.interval == 7
    assert PiKE().for_training(1000).request.against == "moments"


def test_gains_and_losses_of_the_same_size_cancel() -> None:
    """Where ζ₁ m = ½ ζ₂ v for each task, p stays; with twice that noise all logits fall by ζ₁ m."""
    moments = {"en-az": (1.0, 4.0), "en-be": (2.0, 8.0), "en-fr": (0.5, 2.0)}
    still, moved = (Sampler(PiKE(interval=1, gain=0.2, noise=x, normalised=False, floor=0), SIZES) for x in (0.1, 0.2))
    for sampler in (still, moved):
        sampler.update(moments)
    assert still.probabilities(1) == pytest.approx([0.5, 0.3, 0.2], rel=1e-12)
    weights = np.array([5 * math.exp(-0.2), 3 * math.exp(-0.4), 2 * math.exp(-0.1)])
    assert moved.probabilities(1) == pytest.approx(weights / weights.sum(), rel=1e-12)


@pytest.mark.parametrize("normalised", [False, True])
def test_tasks_alike_and_tasks_without_gradients_keep_their_ratios(normalised: bool) -> None:
    for pair in ((0.0, 0.0), (3.0, 0.5)):
        sampler = Sampler(PiKE(interval=1, gain=2, noise=3, normalised=normalised, floor=0), SIZES)
        sampler.update(dict.fromkeys(SIZES, pair))
        assert sampler.probabilities(1) == pytest.approx([0.5, 0.3, 0.2], rel=1e-12)


def test_the_order_of_the_updates_does_not_matter() -> None:
    rng, one, two = np.random.default_rng(3), *(Sampler(PiKE(interval=1, gain=0.5), SIZES) for _ in range(2))
    rows = [dict(zip(SIZES, map(tuple, rng.exponential(1, (3, 2)).tolist()), strict=True)) for _ in range(6)]
    for row in rows:
        one.update(row)
    for row in reversed(rows):
        two.update(row)
    assert one.probabilities(1) == pytest.approx(two.probabilities(1), rel=1e-10)
    assert abs(one.probabilities(1)[0] - 0.5) > 0.01


def test_the_floor_holds_against_the_largest_gradients() -> None:
    sampler = Sampler(PiKE(interval=1, gain=10, normalised=False, floor=0.05), SIZES)
    sampler.update({"en-az": (1e30, 1.0), "en-be": (1.0, 1.0), "en-fr": (1.0, 1e30)})
    assert sampler.probabilities(1) == pytest.approx([0.9, 0.05, 0.05], rel=1e-12)


@pytest.mark.parametrize("pair", [(math.nan, 1.0), (1.0, math.inf)])
def test_a_moment_that_is_not_finite_moves_nothing(pair: tuple[float, float]) -> None:
    sampler = Sampler(PiKE(interval=1), SIZES)
    before = sampler.probabilities(1)
    with pytest.raises(DivergedError, match=r"the sampling reward of task 'en-be' must be finite"):
        sampler.update(MOMENTS | {"en-be": pair})
    assert sampler.probabilities(1).tolist() == before.tolist()


def test_of_two_mixtures_the_less_even_has_less_entropy() -> None:
    method = PiKE(interval=1, normalised=False, floor=0)
    shares = np.array([0.5, 0.3, 0.2])
    assert method.describe(method.init(SIZES))["entropy"] == pytest.approx(-float(shares @ np.log(shares)))
    assert method.describe(method.init(dict.fromkeys(SIZES, 7)))["entropy"] == pytest.approx(math.log(3))
