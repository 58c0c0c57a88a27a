"""Every method in the table trains something through the engine."""

import pytest
import torch

from catscale import TaskBalancer
from catscale.balancing import METHODS


@pytest.mark.parametrize("name", METHODS)
def test_every_method_brings_the_losses_of_compatible_tasks_down(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    optimum = torch.randn(6, generator=generator, dtype=torch.float64)
    tasks = {f"t{i}": torch.rand(6, generator=generator, dtype=torch.float64) * 10.0 ** (i - 1) for i in range(3)}
    theta = torch.nn.Parameter(torch.zeros(6, dtype=torch.float64))
    balancer = TaskBalancer(METHODS[name](), list(tasks), [theta])
    optimizer = torch.optim.Adam([theta], lr=0.05)

    def losses() -> dict[str, torch.Tensor]:
        return {task: (curvature * (theta - optimum) ** 2).sum() for task, curvature in tasks.items()}

    start = {task: loss.item() for task, loss in losses().items()}
    for _ in range(200):
        optimizer.zero_grad()
        balancer.backward(losses())
        optimizer.step()
    for task, loss in losses().items():
        assert loss.item() < 0.2 * start[task], task
