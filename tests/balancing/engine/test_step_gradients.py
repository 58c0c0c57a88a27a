"""The gradients of a step on two processes, the other of which has the same ones."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from catscale.balancing.engine.backward import GradientTaker
from catscale.balancing.engine.losses import Work
from catscale.balancing.engine.ranks import Ranks
from catscale.balancing.engine.step_gradients import take_gradients
from tests.balancing.engine.twin import Twin, pair_with_twin


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> Twin:
    return pair_with_twin(monkeypatch)


def work_of(*losses: Callable[[], Tensor] | Tensor) -> Work:
    """A step of one task that this process holds half of."""
    return Work(
        names=["a"],
        task_ids=torch.tensor([0]),
        parts=[list(losses)],
        shares=[0.5],
        portions=[0.5],
        counts=[len(losses)],
    )


class Own(torch.autograd.Function):
    """A function that does not say what it runs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


class Plain(Own):
    """The same, which runs no backward pass."""

    runs_no_backward = True


def twice_reentrant(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer in two places, both checkpointed: its gradient comes twice in one backward pass."""
    first: Tensor = checkpoint(layer, x, use_reentrant=True)
    second: Tensor = checkpoint(layer, first, use_reentrant=True)
    return second


FORWARDS: dict[str, tuple[Callable[[nn.Module, Tensor], Tensor], bool]] = {
    "plain": (lambda layer, x: layer(layer(x)), True),
    "not reentrant": (lambda layer, x: layer(checkpoint(layer, x, use_reentrant=False)), True),
    "reentrant": (twice_reentrant, False),
    "once reentrant": (lambda layer, x: layer(checkpoint(layer, x, use_reentrant=True)), False),
    "a function that may": (lambda layer, x: Own.apply(layer(layer(x))), False),
    "a function that does not": (lambda layer, x: Plain.apply(layer(layer(x))), True),
}
"""Each with whether sums begin while the pass goes on."""


@pytest.mark.parametrize("kind", ["functions", "tensors", "graphs"])
@pytest.mark.parametrize("name", FORWARDS)
def test_the_sum_is_that_of_both_whenever_it_begins(twin: Twin, name: str, kind: str) -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(3, 3), torch.randn(2, 3, requires_grad=True)
    forward, begins_inside = FORWARDS[name]
    layer(layer(x)).square().sum().backward()
    expected = take_gradients(list(layer.parameters()))
    taker = GradientTaker(list(layer.parameters()), [], Ranks(list(layer.parameters())))

    def compute() -> Tensor:
        return forward(layer, x).square().sum()

    work, weights = work_of(compute() if kind == "tensors" else compute), torch.tensor([1.0])
    if kind == "graphs":
        _, graphs = taker.evaluate_all(work)
        twin.sizes.clear()
        twin.were_passing.clear()
        taker.backward_all(work, graphs, weights, 1.0)
    else:
        taker.backward_weighted(work, weights, 1.0)
    assert twin.sizes == [12 + 2]
    assert twin.were_passing == [begins_inside]
    for parameter, gradient in zip(layer.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_the_last_of_several_passes_alone_begins_to_sum(twin: Twin) -> None:
    theta = nn.Parameter(torch.tensor([1.0, 2.0]))
    theta.grad = torch.tensor([10.0, 10.0])  # of an earlier call, which is there before
    taker = GradientTaker([theta], [], Ranks([theta]))
    seen: list[int] = []

    def loss() -> Tensor:
        seen.append(len(twin.sizes))
        return theta.square().sum()

    taker.backward_weighted(work_of(loss, loss, loss), torch.tensor([1.0]), 1.0)
    assert (seen, twin.sizes, twin.were_passing) == ([0, 0, 0], [3], [True])
    assert theta.grad.tolist() == [10 + 3 * 2, 10 + 3 * 4]


def test_gradients_that_were_put_away_come_back(twin: Twin) -> None:
    theta = nn.Parameter(torch.tensor([1.0]))
    theta.grad = torch.tensor([3.0])
    step = GradientTaker([theta], [], Ranks([theta])).step
    step.put_back()  # nothing is away
    assert theta.grad.tolist() == [3.0]
    step.set_aside()
    assert theta.grad is None
    (theta * 5).sum().backward()
    step.put_back()
    assert theta.grad is not None
    assert theta.grad.tolist() == [3.0]
    assert twin.sizes == []
    step.drop()
    assert theta.grad is None
