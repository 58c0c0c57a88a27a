"""A training step's descent, twice: the same objective, and nothing else moved."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from catscale.balancing import TaskBalancer
from catscale.balancing.methods.cats import CATS
from catscale.errors import DivergedError
from catscale.optimisation.sam import SAM
from catscale.training.descent import StepDescent

TASKS = ("a", "b")


class Net(nn.Module):
    """Two tasks on a shared layer with dropout."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layer, self.dropout = nn.Linear(6, 4), nn.Dropout(0.5)

    def prepared(self) -> Any:
        """Return what a step's losses are to a descent."""
        data = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(2))
        losses = {
            task: [lambda x=x: self.dropout(torch.tanh(self.layer(x))).square().mean()]
            for task, x in zip(TASKS, data, strict=True)
        }
        return SimpleNamespace(losses=losses, tokens={"a": 5.0, "b": 9.0})


def prepare() -> tuple[Net, TaskBalancer, StepDescent]:
    net = Net()
    balancer = TaskBalancer(CATS(inner_steps=1), TASKS, net.parameters())
    return net, balancer, StepDescent(balancer, net.prepared(), torch.device("cpu"))


def test_a_repetition_has_the_same_masks_and_leaves_the_random_numbers_and_the_state() -> None:
    net, balancer, descent = prepare()
    before = balancer.state
    seen = descent()
    first = [p.grad.clone() for p in net.parameters() if p.grad is not None]
    state, after = balancer.state, torch.get_rng_state()
    assert state is not before
    net.zero_grad()
    descent.repeat()
    assert all(torch.equal(a, p.grad) for a, p in zip(first, net.parameters(), strict=True) if p.grad is not None)
    assert balancer.state is state
    assert torch.get_rng_state().equal(after)
    assert set(seen.losses) == set(TASKS)


def test_a_step_of_sam_moves_the_weights_of_the_tasks_once() -> None:
    _, balancer, descent = prepare()
    descent()
    once = balancer.weights
    net, balancer, descent = prepare()
    given: dict[str, Any] = {"from": 0.0, "rho": 0.5}
    settings = SAM(**given)
    seen = settings.take(settings.build(dict(net.named_parameters())), descent, 1)
    assert balancer.weights == once
    assert seen.weights == {"a": 0.5, "b": 0.5}


def test_a_repetition_that_fails_leaves_the_random_numbers_too() -> None:
    _, _, descent = prepare()
    descent()
    after = torch.get_rng_state()

    def stop() -> torch.Tensor:
        raise DivergedError("the loss of a task is not finite")

    descent.prepared.losses["b"][0] = stop
    with pytest.raises(DivergedError, match="the loss of a task is not finite"):
        descent.repeat()
    assert torch.get_rng_state().equal(after)
