"""Mistakes that would show in a later step, or never, are refused in the first; and what is right is left alone."""

import copy
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from catscale import CATS, METHODS, Fixed, TaskBalancer
from catscale.balancing.engine.first_step import warn_of_same_functions
from catscale.balancing.engine.losses import Work
from catscale.errors import ConfigError
from tests.balancing.networks import TASKS, as_callables, as_one_graph, as_tensors, batches, network

MEASURING = {"cats": CATS(), "gradnorm": METHODS["gradnorm"](interval=10), "products": CATS(statistics="products")}


def nothing_moved(made: TaskBalancer, before: Any) -> None:
    assert made.state is before
    assert all(p.grad is None for p in made.parameters)


@pytest.mark.parametrize("method", MEASURING)
def test_sparse_gradients_fail_in_the_first_step(method: str) -> None:
    table = nn.Embedding(5, 2, sparse=True)
    made = TaskBalancer(MEASURING[method], ["a", "b"], table.parameters())
    before = made.state
    losses = {task: (lambda: table(torch.tensor([1, 2])).square().sum()) for task in made.tasks}
    with pytest.raises(
        ConfigError, match=r"of shape \(5, 2\) is sparse, .* build the embedding with sparse=False, or le"
    ):
        made.backward(losses)
    nothing_moved(made, before)


def test_a_sparse_embedding_outside_the_measured_group_is_left_alone() -> None:
    table, head = nn.Embedding(5, 2, sparse=True), nn.Linear(2, 1)
    method = METHODS["gradnorm"](interval=2)
    made = TaskBalancer(method, ["a"], [*table.parameters(), *head.parameters()], groups={"head": head.parameters()})
    for _ in range(4):
        made.backward({"a": lambda: head(table(torch.tensor([1, 2]))).square().sum()})
        assert table.weight.grad.is_sparse
        table.weight.grad = None


@pytest.mark.parametrize("method", MEASURING)
def test_compiled_models_with_losses_as_tensors_fail_in_the_first_step(method: str) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    compiled = torch.compile(model, backend="aot_eager")
    made = TaskBalancer(MEASURING[method], ["a", "b"], model.parameters())
    before, x = made.state, torch.randn(2, 3)
    with pytest.raises(
        ConfigError, match=r"torch.compile cannot be measured one by one.*give functions, \{task: lambda"
    ):
        made.backward({"a": compiled(x).mean(), "b": compiled(x + 1).mean()})
    nothing_moved(made, before)
    TaskBalancer(Fixed(), ["a", "b"], model.parameters()).backward({"a": compiled(x).mean(), "b": compiled(x).mean()})


def test_compiled_models_with_functions_are_measured() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    compiled, x = torch.compile(model, backend="aot_eager"), torch.randn(2, 3)
    made = TaskBalancer(CATS(inner_steps=2), ["a", "b"], model.parameters())
    for _ in range(2):
        step = made.backward({"a": lambda: compiled(x).mean(), "b": lambda: compiled(x + 1).mean()})
    assert step.gradient_norms is not None


def test_low_memory_with_tensors_fails_in_the_first_step() -> None:
    model = network()
    made = TaskBalancer(CATS(statistics="products"), TASKS, model.shared(), low_memory=True)
    with pytest.raises(ConfigError, match="low_memory computes each loss twice, found a tensor; give functions"):
        made.backward(as_tensors(model, batches()))


@pytest.mark.parametrize("form", [as_callables, as_tensors], ids=["functions", "tensors"])
@pytest.mark.parametrize("method", [Fixed(), CATS(), METHODS["mgda"]()], ids=lambda m: m.name)
@pytest.mark.parametrize("wrong", [["b"], TASKS], ids=["one", "all"])
def test_losses_of_another_model_are_refused(form: Callable, method: Any, wrong: list[str]) -> None:
    model = network()
    other = copy.deepcopy(model)
    made = TaskBalancer(method, TASKS, model.shared())
    before = made.state
    losses = form(model, batches()) | form(other, batches(wrong))
    with pytest.raises(
        ConfigError, match=rf"task '{wrong[0]}' must depend on the shared parameters, found that none of"
    ):
        made.backward(losses)
    nothing_moved(made, before)


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpointed_functions_are_not_taken_for_another_model(use_reentrant: bool) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x = torch.randn(2, 3, requires_grad=True)
    made = TaskBalancer(CATS(inner_steps=1), ["a", "b"], model.parameters())
    step = made.backward(
        {task: lambda: checkpoint(model, x, use_reentrant=use_reentrant).square().mean() for task in made.tasks}
    )
    assert min(step.gradient_norms.values()) > 0


def test_a_scalar_parameter_may_be_the_loss() -> None:
    theta = nn.Parameter(torch.tensor(2.0))
    TaskBalancer(Fixed(), ["a"], [theta]).backward({"a": theta})
    assert theta.grad == 1


def calls_backward(model: Any, task: str, words: Tensor) -> Callable[[], Tensor]:
    def loss() -> Tensor:
        found = model(task, words)
        found.backward(retain_graph=True)
        return found

    return loss


def clears_gradients(model: Any, task: str, words: Tensor) -> Callable[[], Tensor]:
    def loss() -> Tensor:
        model.zero_grad()
        return model(task, words)

    return loss


@pytest.mark.parametrize("mistake", [calls_backward, clears_gradients])
@pytest.mark.parametrize("method", [Fixed(), CATS(inner_steps=1), METHODS["mgda"]()], ids=lambda m: m.name)
def test_gradients_changed_inside_a_loss_are_refused(mistake: Callable, method: Any) -> None:
    model = network()
    made = TaskBalancer(method, TASKS, model.shared())
    before = made.state
    good = as_callables(model, batches())
    if mistake is clears_gradients:
        TaskBalancer(Fixed(), TASKS, model.shared()).backward(good)  # accumulation: something to lose
        if method.name != "fixed":
            return  # earlier gradients are set aside while a step measures
    with pytest.raises(
        ConfigError, match=r"task 'b' must return the loss and leave gradients alone, .*neither backward"
    ):
        made.backward(good | {"b": mistake(model, "b", batches()["b"])})
    nothing_moved(made, before)


def test_backward_inside_backward_is_refused() -> None:
    model = network()
    made = TaskBalancer(Fixed(), TASKS, model.shared())
    good = as_callables(model, batches())

    def nested() -> Tensor:
        made.backward(good)
        return good["a"]()

    with pytest.raises(ConfigError, match="backward was called inside one of its losses"):
        made.backward({"a": nested})
    made.backward(good)  # and it works afterwards


@pytest.mark.parametrize("method", [Fixed(), CATS(inner_steps=1)], ids=lambda m: m.name)
def test_a_graph_that_was_used_up_is_explained(method: Any) -> None:
    model = network()
    made = TaskBalancer(method, TASKS, model.shared())
    losses = as_one_graph(model, batches())
    with pytest.raises(ConfigError, match=r"the graph of the loss of b was used up.*not in functions that return them"):
        made.backward({task: partial(torch.clone, loss) for task, loss in losses.items()})
    used = as_tensors(model, batches())
    for loss in used.values():
        loss.backward()
    model.zero_grad()
    with pytest.raises(ConfigError, match=r"the graph of the loss of a.* was used up by a backward before"):
        made.backward(used)


def test_gradient_penalties_inside_a_loss_are_allowed() -> None:
    model = nn.Linear(3, 1)

    def loss() -> Tensor:
        x = torch.ones(2, 3, requires_grad=True)
        (slope,) = torch.autograd.grad(model(x).square().sum(), x, create_graph=True)
        return slope.square().mean()

    step = TaskBalancer(CATS(inner_steps=1), ["a", "b"], model.parameters()).backward({"a": loss, "b": loss})
    assert step.gradient_norms["a"] > 0


def test_a_loop_s_lambdas_that_share_their_batch_are_warned_of() -> None:
    model = network()
    wrong = {}
    for task, words in batches().items():
        wrong[task] = lambda: model("b", words)  # noqa: B023 - the mistake that is tried
    made = TaskBalancer(Fixed(), TASKS, model.shared())
    message = r"tasks 'a' and 'b' are given the same function, .* write lambda batch=batch"
    with pytest.warns(UserWarning, match=message) as caught:
        step = made.backward(wrong)
    made = TaskBalancer(Fixed(), TASKS, model.shared())
    with pytest.warns(UserWarning, match=message) as deferred:
        made.backward_deferred(wrong)
    assert caught[0].filename == deferred[0].filename == __file__
    assert len(set(step.losses.values())) == 1
    assert task == "c"
    assert words is not None


@pytest.mark.parametrize("form", [as_callables, as_tensors], ids=["functions", "tensors"])
def test_each_task_s_own_function_is_no_reason_to_warn(form: Callable) -> None:
    model = network()
    given = batches()
    made = TaskBalancer(Fixed(), TASKS, model.shared())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.backward(form(model, given))
        made.backward({task: partial(model, task, given[task]) for task in TASKS})

        def part() -> torch.Tensor:
            return model("a", given["a"]) * 0.5

        made.backward({"a": [part, part], "b": lambda: model("b", given["b"])})


def test_what_makes_up_the_number_of_parts_is_no_reason_to_warn() -> None:
    theta = nn.Parameter(torch.ones(()))
    own = Work(
        names=["a", "b"],
        task_ids=torch.tensor([0, 1]),
        parts=[[lambda: theta * 2], []],
        shares=[1.0, 0.0],
        portions=[1.0, 0.0],
        counts=[1, 0],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_same_functions(own.padded([2, 2], 0))
