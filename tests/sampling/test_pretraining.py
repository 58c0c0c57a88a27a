import pytest

from catscale.errors import ConfigError
from catscale.sampling import PretrainFinetune, Sampler, draw_tasks, temperature_shares

SIZES = {"en-az": 10, "en-fr": 1000, "en-be": 20, "en-ru": 400}


def shares(step: int, **settings) -> list[float]:
    return Sampler(PretrainFinetune(**{"steps": 5, "temperature": 2} | settings), SIZES).probabilities(step).tolist()


def test_the_phases():
    high = temperature_shares([1000, 400], 2)
    for step in (1, 5):
        assert shares(step) == pytest.approx([0, high[0], 0, high[1]])  # the mean is 357.5
    for step in (6, 10**6):
        assert shares(step) == pytest.approx(temperature_shares(list(SIZES.values()), 2))


def test_the_first_phase_by_name_and_by_size():
    assert shares(1, high=["en-be", "en-az"]) == pytest.approx([1 / (1 + 2**0.5), 0, 2**0.5 / (1 + 2**0.5), 0])
    assert shares(1, min_pairs=1000) == [0, 1, 0, 0]
    assert shares(1, min_pairs=1) == shares(6)


def test_tasks_of_one_size_are_all_high():
    sampler = Sampler(PretrainFinetune(steps=5), {"en-az": 7, "en-fr": 7})
    assert sampler.probabilities(1).tolist() == [0.5, 0.5]


def test_the_others_are_not_drawn_in_the_first_phase():
    for step in range(1, 200):
        assert set(draw_tasks(Sampler(PretrainFinetune(steps=500), SIZES).probabilities(step), 8, 1, step)) <= {1, 3}


def test_unknown_tasks():
    message = "sampling.high names en-xx, en-zz; the tasks are en-az, en-fr, en-be, en-ru; use their names"
    with pytest.raises(ConfigError, match=message):
        shares(1, high=["en-zz", "en-fr", "en-xx"])


def test_no_task_is_large_enough():
    with pytest.raises(ConfigError, match="no task has 1,001 training pairs, the largest has 1,000; lower it"):
        shares(1, min_pairs=1001)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"high": ["en-fr"], "min_pairs": 5}, "high and min_pairs both choose the tasks of the first phase"),
        ({"high": []}, "at least 1 item"),
        ({"steps": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ConfigError, match=message):
        shares(1, **settings)
