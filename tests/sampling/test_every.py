"""Every task in every step: equal shares of the tokens, and what a step must hold."""

import numpy as np
import pytest
from pydantic import ValidationError

from catscale.errors import ConfigError
from catscale.sampling import SAMPLERS, Every, Sampler

SIZES = {"en-az": 100, "en-be": 1000, "en-fr": 10_000}
LENGTHS = {"en-az": 30.0, "en-be": 15.0, "en-fr": 10.0}


def test_shares_of_pairs_make_equal_shares_of_tokens() -> None:
    sampler = Sampler(Every().for_data(LENGTHS, 400), SIZES)
    tokens = sampler.probabilities(1) * list(LENGTHS.values())
    assert tokens / tokens.sum() == pytest.approx([1 / 3] * 3)
    assert np.array_equal(sampler.probabilities(1), sampler.probabilities(10**6))


def test_given_lengths_stay() -> None:
    given = {"en-az": 1.0, "en-be": 1.0, "en-fr": 2.0}
    sampler = Sampler(Every(lengths=given).for_data(LENGTHS, 400), SIZES)
    assert sampler.probabilities(1) == pytest.approx([0.4, 0.4, 0.2])


def test_outside_a_training_pairs_have_equal_shares() -> None:
    assert Sampler(Every(), SIZES).probabilities(1) == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(("tokens", "batch", "each"), [(None, 100, 33), (None, 96, 32), (32, 96, 32), (33, 100, 33)])
def test_the_tokens_of_each(tokens: int | None, batch: int, each: int) -> None:
    assert Every(tokens=tokens).tokens_of_each(3, batch) == each


def test_tokens_that_do_not_make_up_a_step() -> None:
    found = r"found 512 for each and 2,048 for all; set training\.batch_tokens: 4096, or leave sampling\.tokens out"
    with pytest.raises(ConfigError, match=found):
        Every(tokens=512).tokens_of_each(8, 2048)


def test_too_few_tokens_for_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"found training\.batch_tokens 40 for 3 tasks; set it to 48 or more"):
        Every().tokens_of_each(3, 40)


def test_samplers_that_draw_give_no_task_tokens_of_its_own() -> None:
    drawing = {name for name in SAMPLERS if name != "every"}
    assert all(SAMPLERS[name].tokens_of_each(SAMPLERS[name], 3, 96) is None for name in drawing)


def test_no_task_is_replayed() -> None:
    assert Every().replay is None
    with pytest.raises(ValidationError, match="replay"):
        Every.model_validate({"replay": 0.3})
