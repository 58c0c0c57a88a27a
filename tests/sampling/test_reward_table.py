import math
from typing import Any

import pytest

from catscale.errors import ConfigError, DivergedError
from catscale.sampling import RewardRequest
from catscale.sampling.reward_table import read_rewards

TASKS = ["en-az", "en-fr"]
MOMENTS, LOSSES, EACH = RewardRequest(1, "moments"), RewardRequest(1, "losses"), RewardRequest(1, "each")


def test_pairs_are_two_columns() -> None:
    table = read_rewards({"en-fr": (1.0, 2.0), "en-az": (3.0, 4.0)}, TASKS, MOMENTS)
    assert table.tolist() == [[3, 4], [1, 2]]


def test_a_task_may_lack_a_loss() -> None:
    one, two = read_rewards({"en-fr": 1.5}, TASKS, LOSSES).tolist()
    assert math.isnan(one)
    assert two == 1.5
    assert read_rewards({}, TASKS, RewardRequest(1, "dev_losses")).isnan().all()


def test_a_task_may_lack_a_pair() -> None:
    table = read_rewards({"en-fr": (1.0, 2.0)}, TASKS, RewardRequest(1, "own_gap"))
    assert table[0].isnan().all()
    assert table[1].tolist() == [1, 2]
    assert read_rewards({}, TASKS, RewardRequest(1, "own_gap")).shape == (2, 2)


@pytest.mark.parametrize(
    ("rewards", "request_", "answer"),
    [
        ({"en-fr": 1.0}, EACH, r"rewards must be given for all of the tasks \['en-az', 'en-fr'\], found \['en-fr'\]"),
        ({"en-xx": 1.0}, LOSSES, r"for some of the tasks .* found \['en-xx'\]"),
        ({"en-az": 1.0, "en-fr": 1.0}, MOMENTS, "'en-az' must be two numbers, .* found 1.0; give both"),
        ({"en-az": (1.0, True), "en-fr": (1.0, 1.0)}, MOMENTS, "'en-az' must be a number"),
        ({"en-az": (1.0, 1.0), "en-fr": (1.0,)}, MOMENTS, "'en-fr' must be two numbers"),
    ],
)
def test_other_rewards_are_refused(rewards: Any, request_: RewardRequest, answer: str) -> None:
    with pytest.raises(ConfigError, match=answer):
        read_rewards(rewards, TASKS, request_)


def test_a_measured_loss_is_finite() -> None:
    with pytest.raises(DivergedError, match="reward of task 'en-az' must be finite, found nan"):
        read_rewards({"en-az": math.nan}, TASKS, LOSSES)
