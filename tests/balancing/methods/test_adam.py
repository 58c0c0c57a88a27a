"""Adam on one number per task is PyTorch's, task by task."""

import pytest
import torch

from catscale.balancing.methods.adam import LearnedState, adam_start, adam_step


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_each_task_moves_as_pytorch_moves_it_when_it_is_present(decay: float) -> None:
    generator = torch.Generator().manual_seed(1)
    theirs = [torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    optimizers = [torch.optim.Adam([value], lr=0.05, weight_decay=decay) for value in theirs]
    state = LearnedState(**adam_start(3))
    for step in range(30):
        tasks = torch.tensor([[0, 2], [1], [2, 0, 1]][step % 3])
        gradient = torch.randn(len(tasks), generator=generator, dtype=torch.float64)
        state = LearnedState(**adam_step(state, tasks, gradient, 0.05, decay))
        for task, slope in zip(tasks.tolist(), gradient, strict=True):
            theirs[task].grad = slope[None].clone()
            optimizers[task].step()
    torch.testing.assert_close(state.values, torch.cat(theirs).detach(), rtol=1e-12, atol=1e-14)
    assert state.updates.tolist() == [20, 20, 20]


def test_absent_tasks_stay_where_they_are() -> None:
    state = LearnedState(**adam_start(2))
    moved = adam_step(state, torch.tensor([1]), torch.ones(1, dtype=torch.float64), 0.1, 0.0)
    assert [values[0].item() for values in moved.values()] == [0, 0, 0, 0]
    assert moved["values"][1].item() == pytest.approx(-0.1)  # the first step is as long as the rate
