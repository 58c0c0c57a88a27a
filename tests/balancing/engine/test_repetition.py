"""The objective of a step once more: same weights, same arithmetic, nothing else moved."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catscale.balancing import METHODS, TaskBalancer
from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.fixed import Fixed
from catscale.balancing.methods.mgda import MGDA
from catscale.balancing.methods.pcgrad import PCGrad
from catscale.errors import ConfigError, DivergedError

TASKS = ("a", "b", "c")
Losses = dict[str, list[Callable[[], Tensor]]]


class Net(nn.Module):
    """A shared layer and a head a task, with dropout."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.shared, self.dropout = nn.Linear(4, 6), nn.Dropout(0.2)
        self.heads = nn.ModuleDict({task: nn.Linear(6, 1) for task in TASKS})

    def losses(self, tasks: tuple[str, ...] = TASKS) -> Losses:
        generator = torch.Generator().manual_seed(5)
        data = {task: [torch.randn(3, 4, generator=generator) for _ in range(2)] for task in TASKS}
        return {task: [partial(self.loss, task, x) for x in data[task]] for task in tasks}

    def loss(self, task: str, x: Tensor) -> Tensor:
        hidden = self.dropout(torch.tanh(self.shared(x)))
        return (self.heads[task](hidden) - TASKS.index(task)).square().mean()

    def gradients(self) -> list[Tensor]:
        found = [p.grad.clone() for p in self.parameters() if p.grad is not None]
        for parameter in self.parameters():
            parameter.grad = None
        return found


def prepare(method: Any, **settings: Any) -> tuple[Net, TaskBalancer]:
    net = Net()
    groups: Any = {"weight": [net.shared.weight], "bias": [net.shared.bias]}
    return net, TaskBalancer(method, TASKS, net.shared.parameters(), groups=groups, module=net, **settings)


def in_place(net: Net, balancer: TaskBalancer) -> None:
    """Three steps, each once more where it was: bit for bit the same gradient."""
    for _ in range(3):
        before = torch.get_rng_state()
        balancer.backward(net.losses())
        first, state, weights = net.gradients(), balancer.state, balancer.weights
        torch.set_rng_state(before)
        balancer.repeat(net.losses())
        assert all(torch.equal(a, b) for a, b in zip(first, net.gradients(), strict=True))
        assert balancer.state is state
        assert str(balancer.weights) == str(weights)


@pytest.mark.parametrize("name", METHODS)
def test_at_the_same_parameters_it_is_the_same_bit_for_bit(name: str) -> None:
    in_place(*prepare(METHODS[name]()))


@pytest.mark.parametrize("method", [MGDA(granularity="groups"), PCGrad(granularity="groups")], ids=lambda m: m.name)
def test_with_weights_of_each_group(method: Any) -> None:
    in_place(*prepare(method))


def test_without_held_gradients() -> None:
    in_place(*prepare(CATS(statistics="products"), low_memory=True))


@pytest.mark.parametrize(
    "method", [MGDA(), CATS(inner_steps=1), Fixed(task_weights=[1.0, 2.0, 3.0])], ids=lambda m: m.name
)
def test_elsewhere_the_weights_are_those_of_the_step(method: Any) -> None:
    """The gradient there is that of the weighted losses, whatever weights the method would find there."""
    net, balancer = prepare(method)
    net.eval()
    step = balancer.backward(net.losses())
    net.gradients()
    with torch.no_grad():
        net.shared.weight += 0.5
    expected = torch.stack(
        [step.weights[task] * part() for task, parts in net.losses().items() for part in parts]
    ).sum()
    exact = torch.autograd.grad(expected, list(net.shared.parameters()))
    repeated = balancer.repeat(net.losses())
    assert repeated.weights == step.weights
    assert repeated.losses != step.losses
    for parameter, gradient in zip(net.shared.parameters(), exact, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-5, atol=1e-7)


def test_under_a_gradient_scaler_gradients_are_left_scaled() -> None:
    net, balancer = prepare(MGDA())
    net.eval()
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    balancer.backward(net.losses())
    plain = net.gradients()
    balancer.repeat(net.losses(), scaler)
    for scaled, gradient in zip(net.gradients(), plain, strict=True):
        torch.testing.assert_close(scaled, gradient * 64)


def test_there_must_have_been_a_step() -> None:
    net, balancer = prepare(Fixed())
    with pytest.raises(ConfigError, match="repeat has no weights: backward was not called before"):
        balancer.repeat(net.losses())
    balancer.backward(net.losses())
    balancer.repeat(net.losses())
    with pytest.raises(ConfigError, match=r"repeat needs the tasks of the backward before, with the ids \[0, 1, 2\]"):
        balancer.repeat(net.losses(("a", "b")))
    balancer.repeat(net.losses())  # still that of the step


def test_a_step_that_failed_is_not_repeated() -> None:
    net, balancer = prepare(MGDA())
    balancer.backward(net.losses())
    with pytest.raises(DivergedError, match="loss"):
        balancer.backward(net.losses() | {"a": lambda: net.loss("a", torch.full((1, 4), torch.nan))})
    with pytest.raises(ConfigError, match="backward was not called before, or was skipped"):
        balancer.repeat(net.losses())


def test_a_repetition_that_fails_leaves_the_method_and_its_state() -> None:
    net, balancer = prepare(CATS(inner_steps=1))
    balancer.backward(net.losses())
    method, state = balancer.method, balancer.state
    with pytest.raises(DivergedError, match="loss"):
        balancer.repeat(net.losses() | {"a": lambda: net.loss("a", torch.full((1, 4), torch.nan))})
    assert balancer.method is method
    assert balancer.state is state
