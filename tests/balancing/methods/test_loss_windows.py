"""Windows of losses: against lists of all losses, whichever tasks are present."""

import math

import torch

from catscale.balancing.checks import N, bits, trajectory
from catscale.balancing.methods.loss_windows import LossWindows


def test_windows_are_the_means_of_a_task_s_own_steps() -> None:
    windows = LossWindows.start(N)
    history: dict[int, list[float]] = {n: [] for n in range(N)}
    for step in trajectory() + trajectory(seed=1):
        windows = windows.add(step.task_ids, step.losses, 3)
        for n, loss in zip(step.task_ids.tolist(), step.losses.tolist(), strict=True):
            history[n].append(loss)
        for n, losses in history.items():
            means = [sum(losses[3 * k : 3 * k + 3]) / 3 for k in range(len(losses) // 3)]
            for found, back in ((windows.newer[n].item(), 1), (windows.older[n].item(), 2)):
                expected = means[-back] if len(means) >= back else math.nan
                assert found == expected or math.isclose(found, expected) or (found != found and expected != expected)
            assert windows.counts[n] == len(losses) % 3


def test_windows_of_one_step_are_the_two_latest_losses() -> None:
    windows = LossWindows.start(2)
    for loss in (5.0, 3.0, 4.0):
        windows = windows.add(torch.tensor([1]), torch.tensor([loss], dtype=torch.float64), 1)
    assert (windows.newer[1].item(), windows.older[1].item()) == (4.0, 3.0)
    assert windows.sums.tolist() == windows.counts.tolist() == [0.0, 0.0]
    assert windows.newer[0].isnan()


def test_a_step_leaves_the_windows_before_it_as_they_were() -> None:
    start = LossWindows.start(2)
    half = start.add(torch.tensor([0, 1]), torch.tensor([1.0, 2.0], dtype=torch.float64), 2)
    full = half.add(torch.tensor([1]), torch.tensor([4.0], dtype=torch.float64), 2)
    assert start.sums.tolist() == start.counts.tolist() == [0.0, 0.0]
    assert (half.sums.tolist(), half.counts.tolist()) == ([1.0, 2.0], [1.0, 1.0])
    assert half.newer.isnan().all()
    assert (full.sums.tolist(), full.counts.tolist(), full.newer[1].item()) == ([1.0, 0.0], [1.0, 0.0], 3.0)


def test_a_step_without_tasks_adds_nothing() -> None:
    windows = LossWindows.start(2).add(torch.tensor([0]), torch.tensor([1.0], dtype=torch.float64), 3)
    after = windows.add(torch.tensor([], dtype=torch.int64), torch.tensor([], dtype=torch.float64), 3)
    assert bits(after) == bits(windows)
