import pytest
import torch

from catscale import CATS, SAMPLERS
from catscale.errors import CheckpointError, ConfigError
from catscale.sampling import MultiDDS, Sampler, TemperatureSampling
from catscale.sampling.multidds import MultiDDSState

SIZES = {"en-az": 1, "en-fr": 3}


def test_rewards_are_matched_by_name():
    one, two = Sampler(MultiDDS(), SIZES), Sampler(MultiDDS(), SIZES)
    one.update({"en-az": 0.5, "en-fr": 0.1})
    two.update({"en-fr": 0.1, "en-az": 0.5})
    assert one.probabilities(1).tolist() == two.probabilities(1).tolist()


@pytest.mark.parametrize("rewards", [{}, {"en-az": 1.0}, {"en-az": 1.0, "en-fr": 1.0, "en-be": 1.0}])
def test_rewards_of_other_tasks(rewards):
    with pytest.raises(ConfigError, match=r"rewards must be given for all of the tasks \['en-az', 'en-fr'\], found"):
        Sampler(MultiDDS(), SIZES).update(rewards)


@pytest.mark.parametrize("sizes", [{}, {"en-az": 0, "en-fr": 3}])
def test_tasks_have_pairs(sizes):
    with pytest.raises(ConfigError, match="a sampler needs tasks with one or more training pairs each, found"):
        Sampler(TemperatureSampling(), sizes)


@pytest.mark.parametrize(
    "other",
    [
        Sampler(TemperatureSampling(), SIZES),
        Sampler(MultiDDS(), {"en-fr": 3, "en-az": 1}),
        Sampler(MultiDDS(), SIZES | {"en-be": 2}),
    ],
)
def test_the_state_of_another_sampler(other):
    with pytest.raises(CheckpointError, match=r"the saved sampler is '.*' over \[.*\], this one is 'multidds' over"):
        Sampler(MultiDDS(), SIZES).load_state_dict(other.state_dict())


@pytest.mark.parametrize("state", [{}, {"logits": torch.zeros(3)}, {"logits": torch.zeros(2)}, {"logits": 1}])
def test_a_state_of_another_shape(state):
    with pytest.raises(CheckpointError, match="the saved sampler is"):
        Sampler(MultiDDS(), SIZES).load_state_dict({"method": "multidds", "tasks": ["en-az", "en-fr"], "state": state})


def test_what_is_saved_and_loaded_is_a_copy():
    sampler, other = Sampler(MultiDDS(), SIZES), Sampler(MultiDDS(), SIZES)
    content = sampler.state_dict()
    other.load_state_dict(content)
    content["state"]["logits"].zero_()
    for found in (sampler, other):
        assert isinstance(found.state, MultiDDSState)
        assert found.probabilities(1).tolist() == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        (MultiDDS, r"found the class MultiDDS; write MultiDDS\(\)"),
        ("multidds", r"found the name 'multidds'; write SAMPLERS\['multidds'\]\(\)"),
        ("cats", r"with one of its names: .*known are temperature"),
        (CATS(), r"found a CATS, which lacks probabilities, update"),
        (5.0, "found 5.0, which lacks name"),
    ],
)
def test_a_sampler_is_an_instance(method, answer):
    with pytest.raises(ConfigError, match=f"the sampler must be an instance with its settings.*{answer}"):
        Sampler(method, SIZES)


@pytest.mark.parametrize(
    ("sizes", "answer"),
    [
        (["en-az"], "found a list; write {task: pairs}"),
        ({1: 3}, "found the task 1, which is no text"),
        ({"en-az": -1}, "found -1 for 'en-az'"),
        ({"en-az": "10"}, "found '10' for 'en-az'"),
        ({"en-az": float("nan")}, "found nan for 'en-az'; give whole numbers"),
        ({"en-az": True}, "found True for 'en-az'"),
        ({}, "found none; name at least one"),
    ],
)
def test_sizes_are_counts_by_task(sizes, answer):
    with pytest.raises(ConfigError, match=f"a sampler needs tasks with one or more training pairs each, {answer}"):
        Sampler(TemperatureSampling(), sizes)


@pytest.mark.parametrize(
    ("rewards", "answer"),
    [(3.0, "found 3.0; write"), ({"en-az": "1", "en-fr": 1.0}, "reward of task 'en-az' must be a number, found '1'")],
)
def test_rewards_are_numbers_by_task(rewards, answer):
    with pytest.raises(ConfigError, match=answer):
        Sampler(MultiDDS(), SIZES).update(rewards)


@pytest.mark.parametrize(
    "content", [{}, None, {"balancer": 1}, {"method": "multidds", "tasks": list(SIZES), "state": [1]}], ids=str
)
def test_what_is_no_saved_sampler(content):
    with pytest.raises(CheckpointError, match=r"the saved sampler must (be what state_dict|hold a mapping)"):
        Sampler(MultiDDS(), SIZES).load_state_dict(content)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_saved_state_is_finite(value):
    for name in ("multidds", "cats_sampling", "temperature"):
        sampler = Sampler(SAMPLERS[name](), SIZES)
        content = sampler.state_dict()
        next(iter(content["state"].values()))[0] = value
        with pytest.raises(CheckpointError, match="must hold finite numbers"):
            sampler.load_state_dict(content)


def test_saved_shares_sum_to_1():
    sampler = Sampler(TemperatureSampling(), SIZES)
    content = sampler.state_dict()
    content["state"]["shares"][0] = 0.9
    with pytest.raises(CheckpointError, match="must give shares of 0 or more with sum 1, found"):
        sampler.load_state_dict(content)
