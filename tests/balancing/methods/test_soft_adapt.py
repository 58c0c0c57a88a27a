"""SoftAdapt: the three variants by hand, whichever tasks are present, and known answers."""

import math
from typing import Literal

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.soft_adapt import SoftAdapt, filled
from catscale.errors import DivergedError


def slow_weights(means: list[list[float]], focus: float, variant: str) -> list[float]:
    """Return the K weights from each task's means of windows, in loops."""
    known = [m[-1] - m[-2] for m in means if len(m) >= 2]
    spare = sum(known) / len(known) if known else 0.0
    rates = [m[-1] - m[-2] if len(m) >= 2 else spare for m in means]
    if variant == "normalised" and any(rates):
        rates = [rate / sum(abs(other) for other in rates) for rate in rates]
    powers = [math.exp(focus * rate) for rate in rates]
    if variant == "loss_weighted":
        logs = [math.log(m[-1]) for m in means if m]
        common = math.exp(sum(logs) / len(logs)) if logs else 1.0
        powers = [power * (m[-1] if m else common) for power, m in zip(powers, means, strict=True)]
    return [len(powers) * power / sum(powers) for power in powers]


@pytest.mark.parametrize("variant", ["original", "normalised", "loss_weighted"])
def test_it_is_the_paper_s_by_hand(variant: Literal["original", "normalised", "loss_weighted"]) -> None:
    method = SoftAdapt(interval=3, focus=0.4, variant=variant)
    state = method.init(N)
    history: dict[int, list[float]] = {n: [] for n in range(N)}
    moved = False
    for step in trajectory() + trajectory(seed=1):
        ids = step.task_ids.tolist()
        means = [[sum(history[n][3 * k : 3 * k + 3]) / 3 for k in range(len(history[n]) // 3)] for n in ids]
        weights, state = method.step(state, Signals(step.task_ids, step.losses))
        expected = slow_weights(means, 0.4, variant)
        assert weights.tolist() == pytest.approx(expected, rel=1e-9)
        moved = moved or max(expected) > 1.2
        for n, loss in zip(ids, step.losses.tolist(), strict=True):
            history[n].append(loss)
    assert moved


def test_known_answers() -> None:
    """Rates −1 and 0 at β = ln 2: shares 1/3 and 2/3; β < 0 turns them around."""
    for focus, expected in ((math.log(2), [2 / 3, 4 / 3]), (-math.log(2), [4 / 3, 2 / 3]), (0.0, [1.0, 1.0])):
        method = SoftAdapt(interval=1, focus=focus)
        state = method.init(2)
        for losses in ([3.0, 1.0], [2.0, 1.0]):
            _, state = method.step(state, Signals(torch.arange(2), torch.tensor(losses, dtype=torch.float64)))
        assert method.weights(state, torch.arange(2)).tolist() == pytest.approx(expected)


def test_normalised_rates_have_no_unit_and_keep_their_order_while_losses_fall() -> None:
    found = []
    for unit in (1.0, 1000.0):
        method = SoftAdapt(interval=1, focus=1.0, variant="normalised")
        state = method.init(2)
        for losses in ([3.0, 3.0], [1.0, 2.0]):
            step = Signals(torch.arange(2), unit * torch.tensor(losses, dtype=torch.float64))
            _, state = method.step(state, step)
        found.append(method.weights(state, torch.arange(2)))
    torch.testing.assert_close(found[0], found[1])
    assert found[0][0] < found[0][1]


def test_a_loss_that_is_not_finite_stops_it() -> None:
    signals = Signals(torch.tensor([1]), torch.tensor([math.nan], dtype=torch.float64))
    with pytest.raises(
        DivergedError, match=r"losses must be finite, found \[nan\] for the tasks with ids \[1\]; lower"
    ):
        SoftAdapt().step(SoftAdapt().init(2), signals)


def test_values_that_are_missing_are_the_mean_of_the_others_in_the_step() -> None:
    values = torch.tensor([1.0, math.nan, 5.0, 100.0, math.nan], dtype=torch.float64)
    for ids, expected in (([0, 1, 2], [1.0, 3.0, 5.0]), ([4, 1], [0.0, 0.0]), ([3], [100.0]), ([4, 0], [1.0, 1.0])):
        assert filled(values, torch.tensor(ids)).tolist() == expected


@pytest.mark.parametrize("variant", ["original", "normalised", "loss_weighted"])
def test_a_task_alone_and_the_largest_focus_stay_finite(
    variant: Literal["original", "normalised", "loss_weighted"],
) -> None:
    method = SoftAdapt(interval=1, focus=1e6, variant=variant)
    state = method.init(2)
    for losses in ([1.0, 900.0], [700.0, 1.0]):
        _, state = method.step(state, Signals(torch.arange(2), torch.tensor(losses, dtype=torch.float64)))
    assert method.weights(state, torch.tensor([1])).tolist() == [1.0]
    assert method.weights(state, torch.arange(2)).tolist() == [2.0, 0.0]


def test_equal_losses_weigh_equally_and_loss_weighting_alone_is_by_size() -> None:
    """Rates are 0: in "normalised" 0 / 0 too; with the losses 1 and 3 as weights, shares 1/4 and 3/4."""
    for variant, expected in (("original", [1, 1]), ("normalised", [1, 1]), ("loss_weighted", [0.5, 1.5])):
        method = SoftAdapt.model_validate({"interval": 1, "variant": variant})
        state = method.init(2)
        for _ in range(2):
            _, state = method.step(state, Signals(torch.arange(2), torch.tensor([1.0, 3.0], dtype=torch.float64)))
        assert method.weights(state, torch.arange(2)).tolist() == pytest.approx(expected)


def test_the_log_shows_rates_and_zero_before_there_are_any() -> None:
    method = SoftAdapt(interval=1)
    state = method.init(2)
    for loss in (3.0, 1.0):
        _, state = method.step(state, Signals(torch.tensor([1]), torch.tensor([loss], dtype=torch.float64)))
    assert method.describe(state) == {"rates": [0.0, -2.0]}
