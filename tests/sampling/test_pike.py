"""PiKE: the known answer, a slow transcription, and what the normalisation and the floor promise."""

import math

import numpy as np
import pytest

from catscale.errors import ConfigError
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
