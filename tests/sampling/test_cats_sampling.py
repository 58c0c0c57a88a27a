"""CATS through the sampler: descent on the curvature of the mixture, from known Gram matrices."""

import numpy as np
import pytest
import torch

from catscale.balancing.methods.mgda import min_norm_weights
from catscale.errors import ConfigError
from catscale.sampling import CATSSampling, Sampler
from tests.unchecked import unchecked

SIZES = {"en-az": 10, "en-be": 30, "en-fr": 900, "en-ru": 3000}


def random_gramian(seed: int, size: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    gradients = rng.normal(size=(size, 6)) * rng.uniform(0.3, 3, (size, 1)) + 0.5
    return gradients @ gradients.T


def relative_products(gramian: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """R = G a / max(aᵀGa, Σ a² diag G), written anew."""
    c = gramian @ shares
    return dict(zip(SIZES, (c / max(shares @ c, shares**2 @ np.diag(gramian))).tolist(), strict=True))


def descend(gramian: np.ndarray, updates: int, **settings: float) -> tuple[list[float], np.ndarray]:
    """The curvature before every update, and the last mixture."""
    sampler = Sampler(CATSSampling(**unchecked({"learning_rate": 0.5} | settings)), SIZES)
    path = []
    for _ in range(updates):
        shares = sampler.probabilities(1)
        path.append(float(shares @ gramian @ shares))
        sampler.update(relative_products(gramian, shares))
    return path, sampler.probabilities(1)


@pytest.mark.parametrize("seed", range(8))
def test_the_mixture_reaches_the_least_curvature_on_the_simplex(seed):
    gramian = random_gramian(seed)
    path, shares = descend(gramian, 6000, learning_rate=0.05, floor=0)
    least = min_norm_weights(torch.from_numpy(gramian)).numpy()
    assert path[-1] == pytest.approx(least @ gramian @ least, rel=2e-3)
    np.testing.assert_allclose(shares, least, atol=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_small_steps_never_raise_the_curvature(seed):
    path, _ = descend(random_gramian(seed), 400, learning_rate=0.02, floor=0)
    assert max(np.diff(path)) <= 1e-12 * path[0]
    assert path[-1] < path[0]


def test_one_update_by_hand():
    """Two tasks, half each: ψ moves by −η (R − its mean)."""
    sampler = Sampler(CATSSampling(learning_rate=0.2, floor=0), {"a": 7, "b": 7})
    sampler.update({"a": 1.5, "b": 0.5})
    assert sampler.probabilities(1) == pytest.approx([1 / (1 + np.exp(0.2)), 1 / (1 + np.exp(-0.2))])


def test_equal_noise_leads_from_the_data_s_shares_to_equal_ones():
    """Orthogonal gradients of one length: what small batches show."""
    gramian = np.eye(4)
    start = Sampler(CATSSampling(floor=0), SIZES).probabilities(1)
    np.testing.assert_allclose(start, np.array(list(SIZES.values())) / sum(SIZES.values()))
    _, shares = descend(gramian, 400, floor=0)
    np.testing.assert_allclose(shares, 0.25, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e9])
def test_the_loss_s_scale_is_nothing_to_the_path(scale):
    one, two = (descend(random_gramian(3) * factor, 30)[1] for factor in (1, scale))
    np.testing.assert_allclose(one, two, rtol=1e-9)


def test_the_floor_holds_and_the_temperature_sets_the_start():
    gramian = np.diag([1e-6, 1.0, 1.0, 1.0])
    _, shares = descend(gramian, 300, floor=0.01)
    assert shares.min() == pytest.approx(0.01, abs=1e-4)
    assert shares.min() >= 0.01
    np.testing.assert_allclose(
        Sampler(CATSSampling(temperature=1e9, floor=0.01), SIZES).probabilities(1), 0.25, rtol=1e-6
    )


@pytest.mark.parametrize("tasks", [2, 4, 9, 50, 99, 200])
@pytest.mark.parametrize("imbalance", [1, 50, 500, 1e5])
def test_the_first_mixture_keeps_the_ratios_of_the_data(tasks, imbalance):
    """A floor of 0.001 a task made 500 : 1 begin at 51 : 1 with 99 tasks."""
    sizes = {f"en-{n}": max(1, int(size)) for n, size in enumerate(1e7 / np.geomspace(1, imbalance, tasks))}
    given, found = np.array(list(sizes.values())), Sampler(CATSSampling(), sizes).probabilities(1)
    wanted = given / given.sum()
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found, wanted, rtol=0.11)
    assert found.max() / found.min() == pytest.approx(given.max() / given.min(), rel=0.11)


def test_the_runs_on_record_are_had_with_a_floor_of_a_thousandth():
    """And few tasks are drawn nearly as with it: four of 24 : 1, nine of 50 : 1."""
    for sizes in ([1200, 5000, 9000, 29000], [10000 * 50 ** (n / 8) for n in range(9)]):
        named = {str(n): int(size) for n, size in enumerate(sizes)}
        before = Sampler(CATSSampling(floor=1e-3), named)
        assert before.probabilities(1).tolist() == pytest.approx(
            [0.001 + (1 - 0.001 * len(named)) * size / sum(named.values()) for size in named.values()]
        )
        now = Sampler(CATSSampling(), named).probabilities(1)
        np.testing.assert_allclose(now, before.probabilities(1), rtol=0.03)


def test_the_floor_holds_however_many_tasks_there_are():
    sizes = {f"en-{n}": size for n, size in enumerate(range(1, 100))}
    sampler = Sampler(CATSSampling(learning_rate=1.0), sizes)
    for _ in range(60):
        sampler.update(dict.fromkeys(sizes, 0.0) | {"en-0": 100.0})
    assert sampler.probabilities(1)[0] == pytest.approx(0.1 / 4950, rel=1e-6)


def test_one_bad_batch_moves_a_share_by_a_bounded_factor():
    sampler = Sampler(CATSSampling(learning_rate=0.5, floor=0), SIZES)
    before = sampler.probabilities(1)
    sampler.update(dict(zip(SIZES, (1e9, -1e9, 1, 1), strict=True)))
    ratio = sampler.probabilities(1) / before
    assert ratio.max() / ratio.min() == pytest.approx(np.exp(2))


def test_a_floor_without_room_is_refused():
    with pytest.raises(ConfigError, match=r"sampling.floor must be below 1/4 for 4 tasks, found 0.25; lower it"):
        Sampler(CATSSampling(floor=0.25), SIZES)


@pytest.mark.parametrize(
    ("settings", "steps", "interval", "rate"),
    [({}, 1250, 50, 0.16), ({}, 100_000, 4000, 0.16), ({}, 10, 1, 0.4), ({"interval": 5}, 100, 5, 0.2),
     ({"learning_rate": 0.3}, 1250, 50, 0.3), ({"interval": 7, "learning_rate": 2.0}, 3, 7, 2.0), ({}, 0, 1, 4.0)],
)  # fmt: skip
def test_interval_and_rate_follow_from_the_length_of_the_training(settings, steps, interval, rate):
    sampler = Sampler(CATSSampling(**settings).for_training(steps), SIZES)
    assert sampler.request.interval == interval
    assert unchecked(sampler.method).learning_rate == pytest.approx(rate)
    assert sampler.due(interval) == sampler.request


def test_a_length_that_is_not_known_is_asked_for():
    sampler = Sampler(CATSSampling(), SIZES)
    for act in (lambda: sampler.request, lambda: sampler.update(dict.fromkeys(SIZES, 1.0))):
        with pytest.raises(ConfigError, match=r"follow from the length of the training.*give both, or call"):
            act()


def test_from_proportional_to_nearly_equal_in_one_training():
    """Orthogonal gradients of unit length and the default path: the smallest share, step by step."""
    sampler = Sampler(CATSSampling().for_training(1250), SIZES)
    smallest = [sampler.probabilities(1).min()]
    for _ in range(25):
        sampler.update(relative_products(np.eye(4), sampler.probabilities(1)))
        smallest.append(sampler.probabilities(1).min())
    assert smallest == sorted(smallest)
    assert smallest[0] == pytest.approx(10 / 3940, abs=0.002)
    assert 0.095 < smallest[-1] < 0.25


def test_the_bound_of_a_step_is_on_differences_not_on_levels():
    """Products that are all large move nothing by their level."""
    sampler = Sampler(CATSSampling(learning_rate=0.5, floor=0), {"a": 7, "b": 7})
    sampler.update({"a": 10.5, "b": 9.5})
    assert sampler.probabilities(1) == pytest.approx([1 / (1 + np.exp(0.5)), 1 / (1 + np.exp(-0.5))])
