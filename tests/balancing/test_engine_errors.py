"""What the engine refuses, and that nothing has moved when it does."""

import pytest
import torch
from networks import as_callables, batches, network
from steps import balancer, paper
from torch import Tensor, nn

from catscale import CATS, TaskBalancer
from catscale.balancing import Signals, State
from catscale.errors import ConfigError, DivergedError


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_its_task(due: bool, value: float) -> None:
    model = network()
    made = balancer(model, due)
    state, parameters = made.state, {n: p.detach().clone() for n, p in model.named_parameters()}
    losses = as_callables(model, batches()) | {"b": lambda: model("b", batches()["b"]) * value}
    with pytest.raises(DivergedError, match=r"the loss of task 'b' must be finite, found (nan|inf)"):
        made.backward(losses)
    assert made.state is state
    for name, parameter in model.named_parameters():
        assert parameter.equal(parameters[name])
    assert all(p.grad is None for p in model.shared())


def test_a_gradient_that_is_not_finite_names_its_task() -> None:
    theta = nn.Parameter(torch.zeros(2))
    made = TaskBalancer(paper(), ["a", "b"], [theta])
    state = made.state
    with pytest.raises(DivergedError, match=r"the gradient of task 'b' must be finite, found (nan|inf)"):
        made.backward({"a": (theta**2).sum(), "b": theta.sqrt().sum()})
    assert made.state is state
    assert theta.grad is None


def test_a_method_that_fails_leaves_no_gradient() -> None:
    class Failing(CATS):
        def step(self, state: State, signals: Signals) -> tuple[Tensor, State]:
            raise DivergedError("no")

    model = network()
    made = balancer(model, True, Failing(inner_steps=1))
    state = made.state
    with pytest.raises(DivergedError, match="no"):
        made.backward(as_callables(model, batches()))
    assert made.state is state
    assert all(p.grad is None for p in model.shared())


@pytest.mark.parametrize(("losses", "found"), [({"zz": torch.ones(())}, "zz"), ({}, "none")])
def test_unknown_or_no_tasks_are_an_error(losses: dict[str, Tensor], found: str) -> None:
    with pytest.raises(ConfigError, match=rf"some of the tasks .*'a', 'b', 'c'.*, found .*{found}"):
        balancer(network(), True).backward(losses)


@pytest.mark.parametrize("tasks", [["a", "a"], []])
def test_task_names_are_different(tasks: list[str]) -> None:
    with pytest.raises(ConfigError, match="tasks must be one or more different names"):
        TaskBalancer(CATS(), tasks, [nn.Parameter(torch.zeros(1))])


def test_something_must_be_trainable() -> None:
    with pytest.raises(ConfigError, match="no parameter is trainable"):
        TaskBalancer(CATS(), ["a"], nn.Linear(2, 2).requires_grad_(False).parameters())
