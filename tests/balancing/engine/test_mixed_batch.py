"""One pass over a mixed batch is the step of the tasks one by one, where nothing is measured."""

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catscale.balancing import TaskBalancer
from catscale.balancing.engine.losses import Work
from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.dwa import DWA
from catscale.balancing.methods.famo import FAMO
from catscale.balancing.methods.fixed import Fixed
from catscale.errors import ConfigError, DivergedError
from tests.balancing.engine.spies import spy

TASKS = ["a", "b", "c"]
OWNERS = torch.tensor([0, 1, 1, 2, 0, 2, 2])
FORMS: dict[str, list[tuple[int, ...]]] = {
    "one": [(0, 1, 2)],
    "two": [(0, 2), (1,)],
    "by task and together": [(0,), (1, 2)],
}


class Net:
    """A small network, rows of three tasks, and their losses one by one and all at once."""

    def __init__(self) -> None:
        torch.manual_seed(3)
        self.net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1)).double()
        self.rows, self.calls = torch.randn(len(OWNERS), 4, dtype=torch.float64), 0

    def loss(self, number: int) -> Tensor:
        return self.net(self.rows[number == OWNERS]).square().mean()

    def apart(self) -> dict[str, Callable[[], Tensor]]:
        return {task: partial(self.loss, number) for number, task in enumerate(TASKS)}

    def mixed(self, numbers: Sequence[int] = (0, 1, 2)) -> Callable[[], Mapping[str, Tensor]]:
        chosen = torch.isin(OWNERS, torch.tensor(numbers))
        owners = OWNERS[chosen]

        def compute() -> Mapping[str, Tensor]:
            self.calls += 1
            squares = self.net(self.rows[chosen]).square().squeeze(1)
            sums = torch.zeros(3, dtype=torch.float64).index_add(0, owners, squares)
            means = sums / torch.bincount(OWNERS, minlength=3)
            return {TASKS[number]: means[number] for number in numbers}

        return compute

    def gradients(self) -> list[Tensor]:
        found = [p.grad.clone() for p in self.net.parameters() if p.grad is not None]
        self.net.zero_grad(set_to_none=True)
        return found


def both_ways(method: Any, steps: int, batch: Callable[[Net], Any]) -> tuple[Net, list[Tensor], list[Tensor]]:
    """Take some steps on the losses one by one, and with mixed batches."""
    found: list[list[Tensor]] = []
    for with_batch in (False, True):
        net = Net()
        balancer = TaskBalancer(method, TASKS, net.net.parameters())
        gradients = []
        for _ in range(steps):
            step = balancer.backward(net.apart(), batch=batch(net) if with_batch else None)
            gradients += [*net.gradients(), torch.tensor([*step.losses.values(), *step.weights.values()])]
        found.append(gradients)
    return net, found[0], found[1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("method", "calls"),
    [
        (Fixed(task_weights=[1.0, 0.5, 2.0]), 4),
        (CATS(inner_steps=2), 2),
        (FAMO(), 4),
        (DWA(), 4),
        (spy("nothing", False), 4),
    ],
    ids=["fixed", "cats", "famo", "dwa", "found in the step"],
)
def test_the_step_is_the_same_and_one_pass(method: Any, calls: int, form: str) -> None:
    forms = FORMS[form]
    net, apart, mixed = both_ways(method, 4, lambda net: [net.mixed(numbers) for numbers in forms])
    torch.testing.assert_close(mixed, apart, rtol=1e-12, atol=1e-14)
    assert net.calls == calls * len(forms)  # none in the steps that measure


@pytest.mark.parametrize("low_memory", [False, True])
def test_a_repeated_step_takes_the_passes_of_the_first(low_memory: bool) -> None:
    net = Net()
    method = CATS(inner_steps=2, statistics="products")
    balancer = TaskBalancer(method, TASKS, net.net.parameters(), low_memory=low_memory)
    called = []
    for _ in range(2):
        balancer.backward(net.apart(), batch=net.mixed())
        first = net.gradients()
        balancer.repeat(net.apart(), batch=net.mixed())
        torch.testing.assert_close(net.gradients(), first, rtol=1e-12, atol=1e-14)
        called.append(net.calls)
    assert sorted(called) in ([0, 2], [2, 2])


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([3], "batch must be a function that returns the losses by task, or several, found 3"),
        (lambda: torch.ones(()), "batch must return losses by task, .*found a tensor"),
        (dict, r"batch must return losses by task, .*found \[\]"),
        (lambda: {"zz": torch.ones(())}, r"batch must return losses by task, .*found \['zz'\]"),
        (lambda: {"a": torch.ones(())}, "the loss of task 'a' must be a scalar tensor that depends on the parameters"),
    ],
)
@pytest.mark.parametrize("method", [Fixed(), spy("nothing", False)], ids=["known", "found in the step"])
def test_what_is_no_batch_is_refused(method: Any, batch: Any, message: str) -> None:
    net = Net()
    balancer = TaskBalancer(method, TASKS, net.net.parameters())
    with pytest.raises(ConfigError, match=message):
        balancer.backward(net.apart(), batch=batch)
    assert not net.gradients()


def test_a_batch_that_runs_a_backward_of_its_own_is_refused() -> None:
    net = Net()

    def spoils() -> Mapping[str, Tensor]:
        net.loss(0).backward()
        return net.mixed()()

    with pytest.raises(ConfigError, match="batch must return the losses and leave gradients alone"):
        TaskBalancer(Fixed(), TASKS, net.net.parameters()).backward(net.apart(), batch=spoils)
    assert not net.gradients()


@pytest.mark.parametrize("method", [Fixed(), spy("nothing", False)], ids=["known", "found in the step"])
def test_a_task_that_no_batch_holds_is_missed(method: Any) -> None:
    net = Net()
    with pytest.raises(ConfigError, match="found none of task 'b'; add it"):
        TaskBalancer(method, TASKS, net.net.parameters()).backward(net.apart(), batch=net.mixed((0, 2)))
    assert not net.gradients()


def test_processes_in_step_repeat_a_pass_that_counts_nothing() -> None:
    work = Work(names=["a"], task_ids=torch.zeros(1), parts=[[]], shares=[1.0], portions=[1.0], counts=[0])
    with pytest.raises(ConfigError, match="computes in step on all processes, so batch is given on all of them"):
        work.padded([0], 2)
    theta = nn.Parameter(torch.tensor(3.0))
    own = replace(work, mixed=(lambda: {"a": theta * math.inf},))
    padded = own.padded([0], 3).mixed
    assert padded[0] is own.mixed[0]
    assert [part()["a"].item() for part in padded[1:]] == [0.0, 0.0]
    assert own.padded([0], 1).mixed == own.mixed


def test_a_loss_and_a_gradient_that_are_not_finite_name_their_task() -> None:
    theta = nn.Parameter(torch.zeros(2))
    balancer = TaskBalancer(Fixed(), ["a", "b"], [theta])
    losses = {"a": lambda: (theta**2).sum(), "b": lambda: theta.sqrt().sum()}
    with pytest.raises(DivergedError, match="the gradient of task 'b' must be finite"):
        balancer.backward(losses, batch=lambda: {"a": (theta**2).sum(), "b": theta.sqrt().sum()})
    with pytest.raises(DivergedError, match="the loss of task 'a' must be finite"):
        balancer.backward(losses, batch=lambda: {"a": (theta * torch.nan).sum(), "b": theta.sum()})
    with contextlib.suppress(DivergedError):
        balancer.backward(losses)
    assert theta.grad is None
