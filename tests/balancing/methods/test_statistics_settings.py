"""The settings of a batch of its own for gradients."""

from typing import Any

import pytest

from catscale.balancing import CATS, METHODS
from catscale.balancing.engine.optional_members import read_statistics_batch
from catscale.balancing.methods.statistics_settings import StatisticsBatch
from catscale.errors import ConfigError


@pytest.mark.parametrize("name", ["cats", "mgda", "pcgrad", "cagrad", "nash_mtl"])
def test_methods_of_gradients_may_have_a_batch_of_their_own(name: str) -> None:
    assert read_statistics_batch(METHODS[name]()) is None
    method = METHODS[name](statistics_tokens=1024, statistics_split="dev", statistics_mode="evaluation")
    assert read_statistics_batch(method) == StatisticsBatch(1024, "dev", False)
    assert read_statistics_batch(METHODS[name](statistics_tokens=64)) == StatisticsBatch(64, "train", True)


@pytest.mark.parametrize("name", ["fixed", "famo", "uncertainty"])
def test_methods_that_measure_no_gradient_have_none(name: str) -> None:
    assert read_statistics_batch(METHODS[name]()) is None


@pytest.mark.parametrize("settings", [{"statistics_split": "dev"}, {"statistics_mode": "evaluation"}])
def test_the_split_and_the_mode_are_those_of_a_batch_apart(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="found no statistics_tokens; set its target tokens of each task"):
        CATS(**settings)
