"""Windows of losses: against lists of all losses, whichever tasks are present."""

import math

from catscale.balancing.checks import N, trajectory
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
