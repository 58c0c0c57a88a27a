"""UniMax: known answers, what its budgets promise, and what they are counted in."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from catscale.errors import ConfigError
from catscale.sampling import Sampler, UniMax, unimax_budgets

SIZES = {"en-fr": 10_000, "en-az": 100, "en-be": 1000}


@pytest.mark.parametrize(
    ("budget", "epochs", "expected"),
    [
        (6000, 1, [0.8167, 0.0167, 0.1667]),
        (6000, 5, [0.4583, 0.0833, 0.4583]),
        (100_000, 5, [0.9009, 0.0090, 0.0901]),  # cannot be spent
        (150, 100, [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_known_answers(budget: int, epochs: float, expected: list[float]) -> None:
    sampler = Sampler(UniMax(max_epochs=epochs, steps=budget, step_tokens=1), SIZES)
    assert sampler.probabilities(1) == pytest.approx(expected, abs=5e-5)
    assert np.array_equal(sampler.probabilities(1), sampler.probabilities(10**6))


def test_the_embedded_corpus_five_times_over_with_twenty_epochs_at_most() -> None:
    sizes = [112, 148, 250, 1538, 2575, 4550, 4625, 5200]  # be, az, gl, sk, cs, tr, pt, ru
    shares = Sampler(
        UniMax(max_epochs=20, steps=5 * sum(sizes), step_tokens=1), {f"en-{i}": n for i, n in enumerate(sizes)}
    ).probabilities(1)
    assert shares == pytest.approx([0.0236, 0.0312, 0.0526, *[0.1785] * 5], abs=5e-5)


def transcribe(sizes: list[int], budget: int, epochs: int) -> list[Fraction]:
    """The water level, found another way: the common share that spends the budget, tasks below it capped."""
    caps = [Fraction(epochs * size) for size in sizes]
    if sum(caps) <= budget:
        return caps
    for count in range(len(caps), 0, -1):  # this many tasks, the largest, have the common share
        capped = sorted(caps)[: len(caps) - count]
        level = (budget - sum(capped)) / Fraction(count)
        if level <= sorted(caps)[len(capped)]:
            return [min(cap, level) for cap in caps]
    raise AssertionError(sizes)


@pytest.mark.parametrize("seed", range(20))
def test_budgets_are_a_water_level(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes, epochs = rng.integers(1, 1000, rng.integers(1, 9)).tolist(), int(rng.integers(1, 6))
    budget = int(rng.integers(1, 6000))
    found = unimax_budgets(sizes, budget, epochs)
    assert found == pytest.approx([float(value) for value in transcribe(sizes, budget, epochs)], rel=1e-12)


def test_lengths_make_the_shares_those_of_tokens() -> None:
    lengths = {"en-az": 10.0, "en-be": 20.0, "en-fr": 5.0}
    method = UniMax(max_epochs=3, steps=100, step_tokens=1000).for_data(lengths, 7)
    pairs = Sampler(method, SIZES).probabilities(1)
    tokens = pairs * [lengths[task] for task in SIZES]
    budgets = unimax_budgets([50_000, 1000, 20_000], 100_000, 3)
    assert tokens / tokens.sum() == pytest.approx(budgets / budgets.sum())
    assert budgets[1] == 3000  # three epochs of the smallest


def test_what_is_not_given_follows_from_training_and_data() -> None:
    method = UniMax().for_training(50).for_data(dict.fromkeys(SIZES, 2.0), 1776.0)
    assert (method.steps, method.step_tokens, method.max_epochs) == (50, 1776.0, None)
    shares = Sampler(method, SIZES).probabilities(1)  # 4 epochs of all, at most 16 of each
    assert shares == pytest.approx(np.array([1 - 17_600 / 44_400, 1600 / 44_400, 16_000 / 44_400]))
    kept = UniMax(steps=3, step_tokens=5.0, lengths={"a": 1.0}).for_training(50).for_data({"a": 2.0}, 7.0)
    assert (kept.steps, kept.step_tokens, kept.lengths) == (3, 5.0, {"a": 1.0})


def test_one_epoch_at_least_is_allowed_where_the_training_is_short() -> None:
    shares = Sampler(UniMax(steps=300, step_tokens=1.0), SIZES).probabilities(1)
    assert shares == pytest.approx(np.full(3, 1 / 3))  # not 4 · 300 / 11,100 epochs of the smallest


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "unimax shares out the tokens of the whole training, which are not known here; give steps and step_tok"),
        ({"steps": 5}, "which are not known here"),
        ({"steps": 5, "step_tokens": 5, "lengths": {"en-az": 1.0}}, "must give .* found none for en-fr, en-be; give"),
        ({"steps": 5, "step_tokens": 5, "lengths": {"en-az": 0}}, "greater than 0"),
        ({"max_epochs": 0}, "greater than 0"),
    ],
)
def test_settings_that_do_not_suffice(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Sampler(UniMax(**settings), SIZES)
