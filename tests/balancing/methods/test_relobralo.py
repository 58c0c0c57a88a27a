"""ReLoBRaLo: by hand, whichever tasks are present, and its limits."""

import math

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.checks import N, bits, follow, trajectory
from catscale.balancing.methods.relobralo import ReLoBRaLo
from catscale.errors import DivergedError


def slow_shares(progress: dict[int, float], temperature: float) -> dict[int, float]:
    powers = {n: math.exp(ratio / temperature) for n, ratio in progress.items()}
    return {n: len(powers) * power / sum(powers.values()) for n, power in powers.items()}


@pytest.mark.parametrize("lookback", [0.0, 1.0])
def test_it_is_the_paper_s_by_hand(lookback: float) -> None:
    method = ReLoBRaLo(inertia=0.7, lookback=lookback, temperature=30.0)
    state = method.init(N)
    values, first, latest = dict.fromkeys(range(N), 1.0), dict[int, float](), dict[int, float]()
    for step in trajectory() + trajectory(seed=1):
        losses = dict(zip(step.task_ids.tolist(), step.losses.tolist(), strict=True))
        weights, state = method.step(state, Signals(step.task_ids, step.losses))
        assert weights.tolist() == pytest.approx([values[n] for n in losses], rel=1e-9)
        seen = [n for n in losses if n in first]
        recent = slow_shares({n: losses[n] / latest[n] for n in seen}, 30.0)
        against_first = slow_shares({n: losses[n] / first[n] for n in seen}, 30.0)
        for n in seen:
            values[n] = 0.7 * (values[n] if lookback else against_first[n]) + 0.3 * recent[n]
        first = losses | first
        latest = latest | losses
    assert max(values.values()) > 1.01


def test_rho_is_one_as_often_as_asked_and_follows_from_seed_and_step() -> None:
    draws = [[ReLoBRaLo(lookback=0.8, seed=seed)._keeps(step) for step in range(2000)] for seed in (0, 1, 0)]
    assert draws[0] == draws[2] != draws[1]
    assert sum(draws[0]) / 2000 == pytest.approx(0.8, abs=0.04)
    one, two = (follow(ReLoBRaLo(lookback=0.5, seed=seed), trajectory())[1] for seed in (0, 5))
    assert bits(one) != bits(two)


def test_steps_with_all_tasks_keep_the_sum_and_favour_the_slow_one() -> None:
    method = ReLoBRaLo(inertia=0.5)
    state = method.init(3)
    for step in range(20):
        losses = torch.tensor([2.0, 2 * 0.9**step, 2 * 0.5**step], dtype=torch.float64)
        weights, state = method.step(state, Signals(torch.arange(3), losses))
        assert weights.sum().item() == pytest.approx(3)
    assert weights[0] > weights[1] > weights[2]


def test_a_loss_that_is_not_finite_stops_it() -> None:
    signals = Signals(torch.tensor([1]), torch.tensor([math.nan], dtype=torch.float64))
    with pytest.raises(
        DivergedError, match=r"losses must be finite, found \[nan\] for the tasks with ids \[1\]; lower"
    ):
        ReLoBRaLo().step(ReLoBRaLo().init(2), signals)


def test_every_draw_is_one_of_the_two_branches_and_both_occur() -> None:
    method = ReLoBRaLo(inertia=0.6, lookback=0.5, temperature=2.0)
    state = method.init(3)
    taken = []
    for step in trajectory(size=3):
        signals = Signals(torch.arange(3), step.losses[:3])
        branches = [ReLoBRaLo(inertia=0.6, lookback=part, temperature=2.0).step(state, signals)[1] for part in (0, 1)]
        following = method.step(state, signals)[1]
        if state.steps:
            matches = [bits(branch) == bits(following) for branch in branches]
            assert sum(matches) == 1
            taken.append(matches.index(True))
        state = following
    assert set(taken) == {0, 1}


def test_known_answer() -> None:
    """Losses (1, 1) to (1 + ln 3, 1): shares 3 : 1, of which a half is taken."""
    method = ReLoBRaLo(inertia=0.5, lookback=1.0)
    state = method.init(2)
    for losses in ([1.0, 1.0], [1 + math.log(3), 1.0]):
        assert state.values.tolist() == [1.0, 1.0]
        _, state = method.step(state, Signals(torch.arange(2), torch.tensor(losses, dtype=torch.float64)))
    assert state.values.tolist() == pytest.approx([1.25, 0.75])


def test_a_task_alone_keeps_its_weight_and_a_huge_leap_stays_finite() -> None:
    method = ReLoBRaLo(inertia=0.0, lookback=0.0)
    alone, both = method.init(1), method.init(2)
    for loss in (1e-6, 1e6, 1e-6):
        losses = torch.tensor([loss, 1.0], dtype=torch.float64)
        _, alone = method.step(alone, Signals(torch.arange(1), losses[:1]))
        _, both = method.step(both, Signals(torch.arange(2), losses))
        assert alone.values.tolist() == [1.0]
        assert both.values.isfinite().all()
        assert both.values.sum().item() == pytest.approx(2)


def test_full_inertia_with_a_full_look_back_and_an_infinite_temperature_rest_at_one() -> None:
    for method in (ReLoBRaLo(inertia=1.0, lookback=1.0), ReLoBRaLo(inertia=0.3, temperature=1e12)):
        for weights in follow(method, trajectory(size=4))[0]:
            assert weights.tolist() == pytest.approx([1.0] * 4, abs=1e-9)
