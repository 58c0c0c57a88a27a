import pytest
import torch

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
