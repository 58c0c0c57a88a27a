"""The replay share: known answers, exact shares with every sampler, and where it does not apply."""

from typing import Any

import numpy as np
import pytest

from catscale.data.direction import Direction, list_old
from catscale.errors import ConfigError
from catscale.sampling import SAMPLERS, Sampler, TemperatureSampling, apply_replay, draw_tasks
from catscale.sampling.pretraining import PretrainFinetune
from tests.sampling.test_contract import LENGTHS, REQUIRED, SIZES, shaped

OLD = ["en-fr", "en-ru"]


def make(name: str, **settings: Any) -> Any:
    return SAMPLERS[name](**REQUIRED.get(name, {}), **settings).for_training(2500).for_data(LENGTHS, 400)


@pytest.mark.parametrize(
    ("shares", "replay", "expected"),
    [
        ([0.6, 0.2, 0.2], 0.4, [0.3, 0.1, 0.6]),
        ([0.6, 0.2, 0.2], 0.8, [0.6, 0.2, 0.2]),
        ([0.6, 0.2, 0.2], 0.0, [0.0, 0.0, 1.0]),
        ([0.6, 0.2, 0.2], 1.0, [0.75, 0.25, 0.0]),
        ([0.7, 0.3, 0.0], 0.4, [0.7, 0.3, 0.0]),  # a group without a share of its own has no proportions
        ([0.0, 0.0, 1.0], 0.4, [0.0, 0.0, 1.0]),
    ],
)
def test_known_answers(shares: list[float], replay: float, expected: list[float]) -> None:
    given = np.array(shares)
    found = apply_replay(given, np.array([True, True, False]), replay)
    assert found == pytest.approx(expected, abs=1e-15)
    assert given.tolist() == shares


@pytest.mark.parametrize("replay", [0.0, 0.1, 0.3, 1.0])
@pytest.mark.parametrize(
    "name", [name for name in SAMPLERS if name != "every"]
)  # which draws no task more than another
def test_every_sampler_gives_old_tasks_their_share_and_keeps_its_proportions(name: str, replay: float) -> None:
    own, sampler = Sampler(make(name), SIZES), Sampler(make(name, replay=replay), SIZES, OLD)
    is_old = np.array([task in OLD for task in SIZES])
    rng = np.random.default_rng(1)
    for step in (16, 40, 2500):
        shares, found = own.probabilities(step), sampler.probabilities(step)
        assert found[is_old].sum() == pytest.approx(replay, abs=1e-12)
        assert found.sum() == pytest.approx(1, abs=1e-12)
        for group, total in ((is_old, replay), (~is_old, 1 - replay)):
            assert found[group] * shares[group].sum() == pytest.approx(total * shares[group], abs=1e-12)
        rewards = dict(zip(SIZES, rng.uniform(-1, 1, 5).tolist(), strict=True))
        own.update(shaped(own, rewards))
        sampler.update(shaped(sampler, rewards))
    content = own.state_dict()
    sampler.load_state_dict(content)  # the state is the same with and without
    assert str(sampler.state_dict()) == str(content)


def test_without_old_or_without_new_tasks_it_is_as_if_it_were_not_there() -> None:
    method = TemperatureSampling(replay=0.9)
    plain = Sampler(method, SIZES).probabilities(1).tolist()
    assert Sampler(method, SIZES, list(SIZES)).probabilities(1).tolist() == plain
    assert Sampler(TemperatureSampling(replay=None), SIZES, OLD).probabilities(1).tolist() == plain
    assert [Sampler(method, SIZES, old).replay for old in ((), list(SIZES), OLD)] == [None, None, 0.9]


def test_a_phase_without_new_tasks_stays_one() -> None:
    sampler = Sampler(PretrainFinetune(steps=5, high=OLD, replay=0.2), SIZES, OLD)
    assert sampler.probabilities(5).tolist() == [0, 0, 0.5, 0.5, 0]
    assert sampler.probabilities(6)[2:4].sum() == pytest.approx(0.2)


def test_the_draws_of_many_steps_have_the_share() -> None:
    sampler = Sampler(TemperatureSampling(replay=0.3), SIZES, OLD)
    drawn = np.concatenate([draw_tasks(sampler.probabilities(step), 7, 1, step) for step in range(1, 1001)])
    old = np.isin(drawn, [2, 3]).mean()
    assert old == pytest.approx(0.3, abs=0.01)


def test_an_old_task_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match=r"old tasks must be among en-az, en-be, .* found en-gl; use their names"):
        Sampler(TemperatureSampling(), SIZES, ["en-gl"])
    with pytest.raises(ConfigError, match="less than or equal to 1"):
        TemperatureSampling(replay=1.5)


def test_a_direction_is_old_where_both_languages_are() -> None:
    directions = [Direction.parse(name) for name in ("en-fr", "en-gl", "gl-fr", "be-gl", "fr-en")]
    assert [str(one) for one in list_old(directions, {"gl", "be"})] == ["en-fr", "fr-en"]
    assert list_old(directions, ()) == []
