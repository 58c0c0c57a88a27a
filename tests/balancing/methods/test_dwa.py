"""DWA: against TorchJD's scalarizer where all tasks are present, and by hand where not."""

import math

import pytest
import torch
from torchjd import scalarization

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.dwa import DWA
from catscale.errors import DivergedError
from tests.balancing.methods.scalarizers import gradient_of, together


def test_dwa_agrees_with_torchjd_where_all_tasks_are_present() -> None:
    method = DWA(interval=4, temperature=0.7)
    state = method.init(N)
    theirs = scalarization.DWA(temperature=0.7)
    moved = False
    for index, losses in enumerate(together()):
        expected = gradient_of(theirs, losses)
        weights, state = method.step(state, Signals(torch.arange(N), losses))
        torch.testing.assert_close(weights, expected)
        moved = moved or not weights.allclose(torch.ones_like(weights))
        if (index + 1) % 4 == 0:
            theirs.step()
    assert moved


def test_dwa_by_hand_whichever_tasks_are_present() -> None:
    method = DWA(interval=3, temperature=2.0)
    state = method.init(N)
    history: dict[int, list[float]] = {n: [] for n in range(N)}
    for step in trajectory() + trajectory(seed=1):
        rates = []
        for n in step.task_ids.tolist():
            windows = len(history[n]) // 3
            means = [sum(history[n][3 * k : 3 * k + 3]) / 3 for k in range(windows)]
            rates.append(means[-1] / means[-2] if windows >= 2 else 1.0)
        powers = [math.exp(rate / 2) for rate in rates]
        expected = torch.tensor([len(powers) * p / sum(powers) for p in powers], dtype=torch.float64)
        weights, state = method.step(state, Signals(step.task_ids, step.losses))
        torch.testing.assert_close(weights, expected)
        for n, loss in zip(step.task_ids.tolist(), step.losses.tolist(), strict=True):
            history[n].append(loss)


def test_a_loss_that_is_not_finite_stops_it() -> None:
    method = DWA()
    signals = Signals(torch.tensor([1]), torch.tensor([math.nan], dtype=torch.float64))
    with pytest.raises(
        DivergedError, match=r"losses must be finite, found \[nan\] for the tasks with ids \[1\]; lower"
    ):
        method.step(method.init(2), signals)
