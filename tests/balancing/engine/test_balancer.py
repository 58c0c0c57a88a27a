"""The engine on CATS's own requests against plain autograd, on a small model without any translation in it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from catscale import CATS, TaskBalancer
from tests.balancing.engine.steps import balancer, paper
from tests.balancing.networks import (
    ALPHA,
    TASKS,
    as_callables,
    as_one_graph,
    as_parts,
    as_tensors,
    assert_same,
    batches,
    gradients,
    network,
    plain,
)
from tests.unchecked import unchecked


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
@pytest.mark.parametrize("form", [as_tensors, as_callables, as_parts])
@pytest.mark.parametrize("present", [["a"], ["c", "a"], ["b", "c", "a"]], ids="".join)
def test_grad_is_what_one_backward_of_the_weighted_sum_leaves(due: bool, form: Callable, present: list[str]) -> None:
    model, twin = network(), network()
    given = batches(present)
    wanted = plain(twin, given)
    result = balancer(model, due).backward(form(model, given))
    assert_same(gradients(model), wanted)
    assert model.frozen.weight.grad is None
    assert result.weights == {task: ALPHA[TASKS.index(task)] for task in present}
    assert result.losses == pytest.approx({task: twin(task, words).item() for task, words in given.items()})
    assert (result.curvature is not None) is due


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_losses_may_share_one_graph(due: bool) -> None:
    model, twin = network(), network()
    losses = as_one_graph(twin, batches())
    sum(weight * losses[task] for task, weight in zip(TASKS, ALPHA, strict=True)).backward()
    balancer(model, due).backward(as_one_graph(model, batches()))
    assert_same(gradients(model), gradients(twin))


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_what_grad_held_before_is_kept(due: bool) -> None:
    model, twin = network(), network()
    for net in (model, twin):
        net("b", torch.arange(9)).backward()
    wanted = plain(twin, batches())
    balancer(model, due).backward(as_callables(model, batches()))
    assert_same(gradients(model), wanted)


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_a_task_of_weight_zero_reaches_nothing(due: bool) -> None:
    model, twin = network(), network()
    made = balancer(model, due)
    made.state = replace(unchecked(made.state), alpha=torch.tensor([0.5, 0.0, 0.25], dtype=torch.float64))
    wanted = plain(twin, batches(), [0.5, 0.0, 0.25])
    result = made.backward(as_parts(model, batches()))
    assert_same(gradients(model), wanted)
    if due:
        assert result.gradient_norms["b"] > 0


def test_weight_zero_where_autograd_shares_memory() -> None:
    """`autograd.grad` may hand out expanded tensors, and one tensor for two parameters."""
    one, two = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    made = TaskBalancer(paper(), ["a", "b"], [one, two])
    made.state = replace(unchecked(made.state), alpha=torch.tensor([0.0, 1.0], dtype=torch.float64))
    made.backward({"a": (one + two).sum(), "b": (one * 2 + two * 3).sum()})
    assert one.grad.tolist() == [2, 2, 2]
    assert two.grad.tolist() == [3, 3, 3]


@pytest.mark.parametrize("m", [1, 4])
def test_one_forward_a_task_and_no_second_pass(m: int) -> None:
    model = network()
    backwards = []
    model.hidden.register_full_backward_hook(lambda *_: backwards.append(1))
    made = TaskBalancer(CATS(inner_steps=m), TASKS, model.shared())
    for _ in range(8):
        made.backward(as_callables(model, batches()))
        model.zero_grad()
    assert model.calls == 8 * len(TASKS)
    assert len(backwards) == 8 * len(TASKS)


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_only_one_graph_of_a_function_is_alive(due: bool) -> None:
    alive, most = [0], [0]

    class Held(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x: Tensor) -> Tensor:
            kept = x.clone()
            ctx.save_for_backward(kept)
            return (kept**2).sum()

        @staticmethod
        def backward(ctx, grad: Tensor) -> Tensor:
            (kept,) = ctx.saved_tensors
            return 2 * kept * grad

    class Box:
        def __init__(self, tensor: Tensor) -> None:
            self.tensor = tensor
            alive[0] += 1
            most[0] = max(most[0], alive[0])

        def __del__(self) -> None:
            alive[0] -= 1

    theta = nn.Parameter(torch.ones(3))

    def loss() -> Tensor:
        with torch.autograd.graph.saved_tensors_hooks(Box, lambda box: box.tensor):
            return Held.apply(theta)

    made = TaskBalancer(paper(1 if due else 9), ["a", "b"], [theta])
    made.backward({"a": [loss, loss, loss], "b": [loss, loss]})
    assert most[0] == 1


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_dropout_masks_are_drawn_once(due: bool) -> None:
    model, twin = network(dropout=0.4), network(dropout=0.4)
    torch.manual_seed(7)
    wanted = plain(twin, batches())
    torch.manual_seed(7)
    balancer(model, due).backward(as_callables(model, batches()))
    assert_same(gradients(model), wanted)


def test_training_lowers_the_losses() -> None:
    model = network()
    made = TaskBalancer(CATS(inner_steps=2), TASKS, model.shared())
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.02)
    history = []
    for _ in range(150):
        history.append(made.backward(as_callables(model, batches())).losses)
        optimizer.step()
        optimizer.zero_grad()
    assert all(history[-1][task] < 0.7 * history[0][task] for task in TASKS)
