"""The weights of the objective that a run descends."""

from typing import Any

import pytest

from catscale.balancing import METHODS, TaskBalancer
from catscale.balancing.methods.fixed import Fixed
from catscale.sampling import Sampler, TemperatureSampling
from catscale.training.objective_weights import objective_weights
from catscale.training.stream import MixtureStream
from tests.training.test_rewards import AZ, FR, VOCABULARY, RandomPairs

TASKS: Any = {AZ: RandomPairs(10, 1), FR: RandomPairs(90, 2)}


@pytest.fixture
def stream() -> MixtureStream:
    sampler = Sampler(TemperatureSampling(temperature=2), {"en-az": 10, "en-fr": 90})
    return MixtureStream(TASKS, sampler, VOCABULARY, 2, 32, 1)


def balancer(method) -> TaskBalancer:
    import torch

    return TaskBalancer(method, ["en-az", "en-fr"], [torch.nn.Parameter(torch.ones(1))])


def test_plain_training_weights_tokens(stream):
    """p ∝ √size = 1 : 3, times the mean length of a sentence."""
    lengths = [(pairs.target_lengths + 1).mean() for pairs in TASKS.values()]
    shares = [lengths[0] / (lengths[0] + 3 * lengths[1]), 3 * lengths[1] / (lengths[0] + 3 * lengths[1])]
    found = objective_weights(balancer(Fixed()), stream, 5)
    assert found == pytest.approx(dict(zip(("en-az", "en-fr"), shares, strict=True)))
    found = objective_weights(balancer(Fixed(task_weights=[2, 1])), stream, 5)
    assert found == pytest.approx({"en-az": 2 * shares[0], "en-fr": shares[1]})


def test_weights_of_tasks_are_the_method_s(stream):
    assert objective_weights(balancer(Fixed(losses="tasks", task_weights=[2, 1])), stream, 5) == {
        "en-az": 2,
        "en-fr": 1,
    }


def test_weights_that_are_not_known_before_the_step(stream):
    assert objective_weights(balancer(METHODS["mgda"]()), stream, 5) is None
