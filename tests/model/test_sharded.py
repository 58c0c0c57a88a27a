"""Models that can be sharded, and those that cannot."""

from typing import Any

import pytest

from catscale.errors import ConfigError
from catscale.model.check_material import DIRECTIONS, VOCABULARY
from catscale.model.m2m100 import M2M100
from catscale.model.sharded import check_sharding
from tests.model.adapted import Adapted

SIZES: dict[str, Any] = {"preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24}


def test_a_model_with_own_parameters_is_not_sharded() -> None:
    check_sharding(M2M100(**SIZES).build(VOCABULARY, DIRECTIONS, 1), DIRECTIONS)
    with pytest.raises(ConfigError, match=r"training\.sharded needs a model whose .*, found 3 directions with param"):
        check_sharding(Adapted(**SIZES).build(VOCABULARY, DIRECTIONS, 1), DIRECTIONS)


def test_only_directions_that_are_trained_count() -> None:
    model = Adapted(**SIZES).build(VOCABULARY, DIRECTIONS, 1)
    check_sharding(model, [])
    with pytest.raises(ConfigError, match=r"found 1 directions with parameters of their own; set training\.sharded"):
        check_sharding(model, DIRECTIONS[:1])
