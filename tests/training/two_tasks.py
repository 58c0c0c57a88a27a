"""Two tasks on a shared layer with dropout, as the parts of a run that a descent looks at."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from catscale.balancing import TaskBalancer
from catscale.distributed.processes import Processes
from catscale.training.descent import StepDescent

TASKS = ("a", "b")


class Net(nn.Module):
    """A layer, dropout, and the data of both tasks."""

    def __init__(self, dropout: float = 0.5, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layer, self.dropout = nn.Linear(6, 4, dtype=dtype), nn.Dropout(dropout)
        self.data = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(2)).to(dtype)

    def loss(self, task: str) -> Tensor:
        """Return the loss of a task, one of whose data is three times as large."""
        x = self.data[TASKS.index(task)] * (3 if task == "b" else 1)
        result: Tensor = self.dropout(torch.tanh(self.layer(x))).square().mean()
        return result

    def prepared(self) -> Any:
        """Return what a step's losses are to a descent."""
        losses = {task: [lambda task=task: self.loss(task)] for task in TASKS}
        tokens, counts = {"a": 5.0, "b": 9.0}, {"a": 5, "b": 9}
        return SimpleNamespace(
            losses=losses, tokens=tokens, batch=None, counts=counts, pack=None, plan=None, kept_casts=nullcontext
        )


def prepare(method: Any, dropout: float = 0.5, dtype: torch.dtype = torch.float32) -> tuple[Net, StepDescent]:
    """Return a net and a descent of its step."""
    net = Net(dropout, dtype)
    balancer = TaskBalancer(method, TASKS, net.parameters())
    stream = SimpleNamespace(epochs=lambda task: 2.5)
    setup: Any = SimpleNamespace(balancer=balancer, model=net, stream=stream, processes=Processes())
    return net, StepDescent(setup, net.prepared(), dict(net.named_parameters()))
