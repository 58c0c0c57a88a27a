"""A model that the memory cannot hold is refused before any is taken."""

import pytest

from catscale.errors import ConfigError
from catscale.model import memory
from catscale.model.m2m100 import M2M100
from catscale.model.memory import check_memory


def test_a_model_that_the_memory_cannot_hold(monkeypatch):
    parameters = M2M100(preset="big").count_parameters(90_000, ())
    monkeypatch.setattr(memory, "available_memory", lambda: 2**30)
    with pytest.raises(ConfigError, match=r"the model has 386,093,056 parameters, which need 1\.4 GiB .* 1\.0 GiB"):
        check_memory(parameters)
    check_memory(parameters, for_each=1)
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    check_memory(parameters)


def test_a_model_that_just_fits(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 4000)
    check_memory(1000)
    with pytest.raises(ConfigError, match=r"the model has 1,001 parameters.*lower model\.width"):
        check_memory(1001)


def test_training_takes_more_of_it(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2**30)
    check_memory(2**26, for_each=16)
    with pytest.raises(ConfigError, match=r"need 2\.0 GiB of memory, and 1\.0 GiB are available"):
        check_memory(2**27, for_each=16)


def test_what_is_held_fixed_takes_no_more_than_itself(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 10 * 16 + 90 * 4)
    check_memory(100, for_each=16, frozen=90)
    with pytest.raises(ConfigError, match="the model has 100 parameters"):
        check_memory(100, for_each=16, frozen=89)
