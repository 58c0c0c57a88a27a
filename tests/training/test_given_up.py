"""Directions that the weights have left, and that get worse."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from catscale.balancing import CATS, METHODS, TaskBalancer
from catscale.balancing.methods.fixed import Fixed
from catscale.errors import DivergedError
from catscale.sampling import Sampler, TemperatureSampling, TemperatureSchedule
from catscale.sampling.contract import Sampling
from catscale.training.given_up import GivenUpWatch
from catscale.training.state import Progress
from catscale.training.stream import MixtureStream
from tests.training.test_rewards import AZ, FR, VOCABULARY, RandomPairs

TASKS: Any = {AZ: RandomPairs(10, 1), FR: RandomPairs(90, 2)}
SIZES = {"en-az": 10, "en-fr": 90}


def make_setup(method: Any, sampling: Sampling | None = None, on_given_up: str = "warn") -> Any:
    """Put together what the watch looks at."""
    return SimpleNamespace(
        balancer=TaskBalancer(method, list(SIZES), [torch.nn.Parameter(torch.ones(1))]),
        stream=MixtureStream(
            TASKS, Sampler(sampling or TemperatureSampling(temperature=100), SIZES), VOCABULARY, 2, 32, 1
        ),
        config=SimpleNamespace(on_given_up=on_given_up),
    )


def weigh(setup: Any, *weights: float) -> None:
    setup.balancer.state = type(setup.balancer.state)(torch.tensor(weights, dtype=torch.float64))


@pytest.mark.parametrize(
    ("weights", "nll", "expected"),
    [
        ((0.1, 1.9), (2.2, 1.0), ["en-az"]),
        ((0.1, 1.9), (2.09, 1.0), []),  # it is no worse than a validation varies
        ((0.21, 1.79), (2.2, 1.0), []),  # it has more than a fifth of its first share
        ((1.0, 1.0), (2.2, 1.2), []),  # memorised, not given up
        ((10.0, 190.0), (2.2, 1.0), ["en-az"]),  # shares tell, not the length of the weights
        ((1.9, 0.1), (1.0, 9.0), ["en-fr"]),
    ],
)
def test_less_weight_and_a_rising_loss(
    weights: tuple[float, float], nll: tuple[float, float], expected: list[str]
) -> None:
    setup = make_setup(Fixed(losses="tasks"))
    watch, progress = GivenUpWatch(setup), Progress()
    assert watch.look(progress, {"en-az": 2.0, "en-fr": 1.0}) == []
    weigh(setup, *weights)
    found = watch.look(progress, dict(zip(SIZES, nll, strict=True)))
    assert [one.task for one in found] == expected


def test_the_lowest_is_of_all_validations() -> None:
    setup = make_setup(Fixed(losses="tasks"))
    watch, progress = GivenUpWatch(setup), Progress()
    weigh(setup, 0.1, 1.9)
    found = [watch.look(progress, {"en-az": value, "en-fr": 1.0}) for value in (2.0, 1.5, 1.55, float("nan"), 1.65)]
    assert [len(each) for each in found] == [0, 0, 0, 0, 1]
    assert progress.lowest == {"en-az": 1.5, "en-fr": 1.0}
    assert Progress.from_json(progress.to_json()).lowest == progress.lowest
    one = found[-1][0]
    assert (one.share, one.first, one.nll, one.lowest) == pytest.approx((0.05, 0.5, 1.65, 1.5))


def test_a_mixture_that_leaves_a_direction() -> None:
    setup = make_setup(Fixed(), TemperatureSchedule(knots=[(1, 100.0), (100, 0.3)]))
    watch, progress = GivenUpWatch(setup), Progress()
    assert watch.look(progress, {"en-az": 2.0, "en-fr": 1.0}) == []
    progress.step = 120
    assert [one.task for one in watch.look(progress, {"en-az": 2.5, "en-fr": 1.0})] == ["en-az"]


def test_methods_whose_weights_follow_from_the_step_are_not_judged() -> None:
    setup = make_setup(METHODS["pcgrad"]())
    watch, progress = GivenUpWatch(setup), Progress()
    assert [watch.look(progress, {"en-az": value, "en-fr": 1.0}) for value in (2.0, 9.0)] == [[], []]


def train(method: Any) -> tuple[dict[str, float], list[str]]:
    """A toy of the feedback: one task has noise in its gradient, the other, as if memorised, has none.

    Returns:
        The shares at the end, and what was given up at any validation.
    """
    setup = make_setup(method)
    watch, progress, generator = GivenUpWatch(setup), Progress(), torch.Generator().manual_seed(1)
    (theta,) = setup.balancer.parameters
    theta.data.zero_()
    found: set[str] = set()
    for step in range(1, 101):
        exact, noisy = (theta - 1).square().sum() / 2, (theta + 1).square().sum() / 2
        noise = 3 * torch.randn(1, generator=generator) * theta
        setup.balancer.backward({"en-az": exact, "en-fr": noisy + (noise - noise.detach()).sum()})
        theta.data -= 0.1 * theta.grad
        theta.grad = None
        if step % 20 == 0:
            progress.step = step
            found |= {one.task for one in watch.look(progress, {"en-az": exact.item(), "en-fr": noisy.item()})}
    weights = setup.balancer.weights
    return {task: weight / sum(weights.values()) for task, weight in weights.items()}, sorted(found)


def test_cats_on_train_gradients_abandons_a_task_and_the_watch_sees_it() -> None:
    """Weight goes where gradients are short, the parameters follow it, and the gradients there become shorter."""
    shares, given_up = train(CATS(inner_steps=1, alpha_lr=0.3))
    assert given_up == ["en-fr"]
    assert shares["en-fr"] < 0.1
    assert train(Fixed(losses="tasks")) == ({"en-az": 0.5, "en-fr": 0.5}, [])


def test_a_floor_that_matters_keeps_the_task() -> None:
    shares, given_up = train(CATS(inner_steps=1, alpha_lr=0.3, alpha_floor=0.25))
    assert given_up == []
    assert shares["en-fr"] == pytest.approx(0.25, abs=0.05)


def test_it_says_so_or_ends_the_run() -> None:
    setup = make_setup(Fixed(losses="tasks"))
    watch, progress = GivenUpWatch(setup), Progress()
    watch.look(progress, {"en-az": 2.0, "en-fr": 1.0})
    weigh(setup, 0.1, 1.9)
    found = watch.look(progress, {"en-az": 2.5, "en-fr": 1.0})
    said: list[str] = []
    watch.tell(7, [], said.append)
    assert said == []
    watch.tell(7, found, said.append)
    text = (
        "step 7: the weights have given up en-az, which has 5.00% of the objective (50.00% at first) and a validation "
        "nll of 2.500 (2.000 at best)"
    )
    assert said[0].startswith(f"warning: {text}; raise the floor")
    strict = GivenUpWatch(make_setup(Fixed(), on_given_up="stop"))
    with pytest.raises(DivergedError, match=r"set training\.on_given_up: warn to go on") as raised:
        strict.tell(7, found, said.append)
    assert (raised.value.what, raised.value.task) == ("weights", "en-az")
