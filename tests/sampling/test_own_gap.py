"""The brake by one's own gap: known answers, a slow transcription, tasks that are not measured."""

import math

import numpy as np
import pytest
import torch

from catscale.errors import CheckpointError, ConfigError, DivergedError
from catscale.sampling import OwnGap, Sampler

SIZES = {"en-az": 10, "en-be": 30, "en-fr": 60}


def give(sampler: Sampler, *pairs: tuple[float, float]) -> None:
    sampler.update(dict(zip(SIZES, pairs, strict=True)))


def braked(*brakes: float, temperature: float = 1.0) -> list[float]:
    weights = [size ** (1 / temperature) * brake for size, brake in zip(SIZES.values(), brakes, strict=True)]
    return [weight / sum(weights) for weight in weights]


def test_known_answer() -> None:
    """R = ½, 1 and 0.05, which counts as 0.1."""
    sampler = Sampler(OwnGap(interval=1, smoothing=0, temperature=1, floor=0), SIZES)
    assert sampler.probabilities(1) == pytest.approx([0.1, 0.3, 0.6])
    give(sampler, (1.0, 2.0), (5.0, 5.0), (0.1, 2.0))
    assert sampler.probabilities(2) == pytest.approx([0.05 / 0.41, 0.3 / 0.41, 0.06 / 0.41])


def test_a_slow_transcription() -> None:
    method = OwnGap(interval=1, smoothing=0.6, strength=1.7, least=0.2, temperature=3, floor=0.02)
    sampler, rng = Sampler(method, SIZES), np.random.default_rng(0)
    smooth: list[list[float]] = []
    for _ in range(25):
        rows = [[rng.normal(1, 1), rng.normal(1.5, 1)] for _ in SIZES]
        give(sampler, *[(float(own), float(dev)) for own, dev in rows])
        old = smooth or rows
        smooth = [
            [0.6 * a + 0.4 * b for a, b in zip(left, right, strict=True)] for left, right in zip(old, rows, strict=True)
        ]
        gaps = [own / dev if dev > 0 else 1.0 for own, dev in smooth]
        brakes = [min(1.0, max(0.2, gap)) ** 1.7 for gap in gaps]
        expected = [0.02 + 0.94 * share for share in braked(*brakes, temperature=3)]
        assert sampler.probabilities(1) == pytest.approx(expected, rel=1e-9)


def test_sums_are_smoothed_and_not_ratios() -> None:
    sampler = Sampler(OwnGap(interval=1, smoothing=0.5, temperature=1, floor=0), SIZES)
    for pair in ((1.0, 1.0), (0.0, 9.0)):
        give(sampler, pair, (1.0, 1.0), (1.0, 1.0))
    assert sampler.probabilities(1) == pytest.approx(braked(0.1, 1, 1))  # ½ / 5, where the ratios' mean is ½


@pytest.mark.parametrize("pair", [(3.0, 1.0), (1.0, 1.0), (5.0, 0.0), (5.0, -1.0), (-5.0, -1.0)])
def test_nobody_is_drawn_more_for_a_gap_above_one_or_for_noise(pair: tuple[float, float]) -> None:
    sampler = Sampler(OwnGap(interval=1, smoothing=0), SIZES)
    before = sampler.probabilities(1)
    give(sampler, pair, (1.0, 1.0), (1.0, 1.0))
    assert sampler.probabilities(1) == pytest.approx(before)


@pytest.mark.parametrize("own", [0.0, -4.0, -1e30])
def test_the_brake_has_an_end(own: float) -> None:
    sampler = Sampler(OwnGap(interval=1, smoothing=0, least=0.25, temperature=1, floor=0), SIZES)
    give(sampler, (own, 1.0), (1.0, 1.0), (1.0, 1.0))
    assert sampler.probabilities(1) == pytest.approx(braked(0.25, 1, 1))


def test_where_all_are_memorised_alike_the_first_mixture_stays() -> None:
    sampler = Sampler(OwnGap(interval=1), SIZES)
    before = sampler.probabilities(1)
    give(sampler, (0.3, 1.0), (0.6, 2.0), (3.0, 10.0))
    assert sampler.probabilities(1) == pytest.approx(before, rel=1e-12)


def test_the_scale_of_loss_and_metric_does_not_matter() -> None:
    one, two = (Sampler(OwnGap(interval=1), SIZES) for _ in range(2))
    for sampler, factor in ((one, 1.0), (two, 1e-9)):
        give(sampler, (0.3 * factor, factor), (0.6 * factor, factor), (factor, factor))
    assert one.probabilities(1) == pytest.approx(two.probabilities(1), rel=1e-12)


def test_a_task_without_a_dev_split_has_no_brake() -> None:
    sampler = Sampler(OwnGap(interval=1, smoothing=0.5, temperature=1, floor=0), SIZES)
    for _ in range(3):
        sampler.update({"en-be": (0.5, 1.0), "en-fr": (1.0, 1.0)})
    assert sampler.probabilities(1) == pytest.approx(braked(1, 0.5, 1))
    sampler.update({"en-fr": (1.0, 1.0)})  # one that is not measured keeps what it has
    assert sampler.probabilities(1) == pytest.approx(braked(1, 0.5, 1))


def test_its_state_is_in_a_checkpoint_nan_and_all() -> None:
    one, two = (Sampler(OwnGap(interval=1), SIZES) for _ in range(2))
    one.update({"en-be": (0.5, 1.0)})
    two.load_state_dict(one.state_dict())
    for sampler in (one, two):
        give(sampler, (0.2, 1.0), (0.4, 1.0), (0.8, 1.0))
    assert one.probabilities(1).tolist() == two.probabilities(1).tolist()
    ruined = one.state_dict()
    ruined["state"]["products"][0, 0] = math.inf
    with pytest.raises(CheckpointError, match=r"must hold finite numbers, .* found products"):
        two.load_state_dict(ruined)


def test_a_product_that_is_not_finite_moves_nothing() -> None:
    sampler = Sampler(OwnGap(interval=1), SIZES)
    with pytest.raises(DivergedError, match=r"the sampling reward of task 'en-az' must be finite"):
        give(sampler, (math.nan, 1.0), (1.0, 1.0), (1.0, 1.0))
    assert torch.as_tensor(sampler.state.products).isnan().all()


def test_the_interval_follows_from_the_training() -> None:
    with pytest.raises(ConfigError, match=r"sampling.interval follows from the length of the training"):
        _ = OwnGap().request
    request = OwnGap().for_training(1000).request
    assert (request.interval, request.against, request.second) == (40, "own_gap", "dev_squares")
    assert request.needs_dev
    assert request.needs_passes
    assert OwnGap(interval=7).for_training(1000).request.interval == 7


def test_floors_hold_and_entropy_is_told() -> None:
    method = OwnGap(interval=1, smoothing=0, strength=50, floor=0.05)
    sampler = Sampler(method, SIZES)
    give(sampler, (0.0, 1.0), (0.0, 1.0), (1.0, 1.0))
    assert sampler.probabilities(1) == pytest.approx([0.05, 0.05, 0.9], rel=1e-9)
    shares = sampler.probabilities(1)
    assert method.describe(sampler.state)["entropy"] == pytest.approx(-float(shares @ np.log(shares)))
