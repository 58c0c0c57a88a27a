"""MultiDDS against a slow transcription of Algorithm 1, and what its update tends to."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.errors import ConfigError
from catscale.sampling import MultiDDS, Sampler
from catscale.training.gradient_rewards import measure_rewards
from tests.unchecked import unchecked

SIZES = {"en-az": 30, "en-be": 10, "en-fr": 500, "en-ru": 200}
WITH_DEV = ["en-az", "en-fr", "en-ru"]
D = 9
rewards_of = st.lists(st.floats(-1, 1), min_size=4, max_size=4)


def problem(seed: int) -> tuple[dict[str, tuple], dict[str, tuple]]:
    """A quadratic ½‖A θ − b‖² for the training and the validation data of each task."""
    rng = np.random.default_rng(seed)
    tasks = {t: (rng.standard_normal((5, D)), rng.standard_normal(5)) for t in SIZES}
    shifted = {t: (tasks[t][0] + 0.3 * rng.standard_normal((5, D)), tasks[t][1]) for t in WITH_DEV}
    return tasks, shifted


def gradient(task: tuple, theta: np.ndarray) -> np.ndarray:
    matrix, target = task
    return matrix.T @ (matrix @ theta - target)


def cos(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def transcription(seed: int, rounds: int, stabilised: bool, scaled: bool, rate: float) -> list[np.ndarray]:
    """p after each round; θ moves by a step on the gradient of Σ p_n L_n between two rounds."""
    train, valid = problem(seed)
    theta = np.ones(D)
    psi = torch.tensor([np.log(size) for size in SIZES.values()], dtype=torch.float64, requires_grad=True)
    found = []
    for _ in range(rounds):
        objective = torch.zeros((), dtype=torch.float64)
        for i, task in enumerate(SIZES):
            g_train = gradient(train[task], theta)
            dev = [gradient(valid[other], theta) for other in WITH_DEV]
            reward = sum(cos(g_train, d) for d in dev) / len(dev) if stabilised else cos(np.sum(dev, axis=0), g_train)
            log_p = psi[i] - torch.log(torch.exp(psi).sum())
            objective = objective + reward * (log_p.exp().detach() * log_p if scaled else log_p)
        (direction,) = torch.autograd.grad(objective, psi)
        psi = (psi + rate * direction).detach().requires_grad_()
        p = (torch.exp(psi) / torch.exp(psi).sum()).detach().numpy()
        theta = theta - 0.01 * sum(p[i] * gradient(train[task], theta) for i, task in enumerate(SIZES))
        found.append(p)
    return found


@pytest.mark.parametrize("stabilised", [True, False])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_trajectory_is_that_of_the_paper(stabilised, scaled, seed):
    method = MultiDDS(stabilised=stabilised, scale_reward=scaled, learning_rate=0.7)
    sampler = Sampler(method, SIZES)
    train, valid = problem(seed)
    theta = torch.nn.Parameter(torch.ones(D, dtype=torch.float64))

    def loss(task: tuple) -> torch.Tensor:
        matrix, target = map(torch.from_numpy, task)
        return (matrix @ theta - target).square().sum() / 2

    for expected in transcription(seed, 25, stabilised, scaled, rate=0.7):
        of_train, of_dev = ({task: partial(loss, q[task]) for task in q} for q in (train, valid))
        sampler.update(measure_rewards(method.request, of_train, of_dev, [theta]))
        p = sampler.probabilities(1)
        np.testing.assert_allclose(p, expected, rtol=1e-9)
        total = torch.stack([w * loss(train[t]) for w, t in zip(p.tolist(), SIZES, strict=True)]).sum()
        with torch.no_grad():
            theta.sub_(0.01 * torch.autograd.grad(total, theta)[0])
    assert np.abs(expected - Sampler(method, SIZES).probabilities(1)).max() > 0.05


@settings(deadline=None, max_examples=50)
@given(rewards_of, st.booleans())
def test_the_step_is_the_gradient_of_its_objective(rewards, scaled):
    method = MultiDDS(scale_reward=scaled, learning_rate=1)
    state = method.init(SIZES)
    values = torch.tensor(rewards, dtype=torch.float64)
    psi = state.logits.clone().requires_grad_()
    objective = (psi.softmax(0) if scaled else psi.log_softmax(0)) @ values
    (expected,) = torch.autograd.grad(objective, psi)
    torch.testing.assert_close(method.update(state, values).logits - state.logits, expected, rtol=1e-9, atol=1e-12)


def after(rewards: list[float], rounds: int, **settings) -> np.ndarray:
    sampler = Sampler(MultiDDS(**{"learning_rate": 0.5} | settings), SIZES)
    start = unchecked(sampler.state).logits.sum()
    for _ in range(rounds):
        sampler.update(dict(zip(SIZES, rewards, strict=True)))
    torch.testing.assert_close(unchecked(sampler.state).logits.sum(), start)  # the logits' sum never changes
    return sampler.probabilities(1)


def test_it_starts_from_temperature_sampling():
    sizes = np.array(list(SIZES.values()))
    assert after([0] * 4, 1) == pytest.approx(sizes / sizes.sum())
    assert after([0] * 4, 1, temperature=2) == pytest.approx(sizes**0.5 / (sizes**0.5).sum())


def test_constant_positive_rewards_become_the_shares():
    assert after([0.1, 0.2, 0.3, 0.4], 400) == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert after([0.3] * 4, 400) == pytest.approx([0.25] * 4)


def test_scaled_rewards_choose_the_best_task():
    assert after([0.1, 0.4, 0.3, 0.2], 4000, scale_reward=True, learning_rate=10) == pytest.approx(
        [0, 1, 0, 0], abs=1e-2
    )


def test_a_greater_reward_is_a_greater_share():
    before = after([0] * 4, 1)
    found = after([0.5, 0, 0, 0], 1)
    ratios = found / before
    assert ratios[0] > 1
    assert (ratios[1:] < ratios[0]).all()
    assert ratios[2] < 1  # the largest task pays most


def test_entropy():
    method = MultiDDS()
    assert method.describe(method.init(dict.fromkeys("abcd", 5)))["entropy"] == pytest.approx(np.log(4))
    assert method.describe(method.init({"a": 1, "b": 3}))["entropy"] == pytest.approx(
        -0.25 * np.log(0.25) - 0.75 * np.log(0.75)
    )


@pytest.mark.parametrize("wrong", [{"interval": 0}, {"learning_rate": 0}, {"learning_rate": "inf"}, {"temperature": 0}])
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        MultiDDS(**wrong)


def test_uncertainty_is_a_reward_and_a_task_without_dev_has_the_mean():
    method = MultiDDS(reward="uncertainty", learning_rate=0.5)
    assert method.request.against == "uncertainty"
    assert method.request.needs_dev
    sizes = dict.fromkeys("abc", 1)
    one, two = Sampler(method, sizes), Sampler(method, sizes)
    one.update({"a": 3.0, "b": 1.0})
    two.update({"a": 3.0, "b": 1.0, "c": 2.0})
    assert one.probabilities(1).tolist() == two.probabilities(1).tolist()
    assert one.probabilities(1)[0] > 1 / 3 > one.probabilities(1)[1]
    before = one.probabilities(1).tolist()
    one.update({})
    assert one.probabilities(1).tolist() == before
