"""What the engine refuses, and that nothing has moved when it does."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catscale import CATS, Fixed, TaskBalancer
from catscale.balancing import METHODS, Request, Signals, State
from catscale.balancing.methods.cats_state import CATSState
from catscale.errors import ConfigError, DivergedError
from tests.balancing.engine.spies import spy
from tests.balancing.engine.steps import balancer, paper
from tests.balancing.networks import TASKS, as_callables, batches, network
from tests.unchecked import unchecked


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
        def step(self, state: CATSState, signals: Signals) -> tuple[Tensor, CATSState]:
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


KINDS = ["nothing", "products", "norms", "gramian"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("loss", "found"),
    [
        (1.5, "float"),
        (lambda: 1.5, "float"),
        (None, "NoneType"),
        ([0.5, lambda: torch.ones(())], "float"),
        (torch.ones(()), r"shape \(\) without a graph"),
        (lambda: torch.ones(3, requires_grad=True) * 2, r"shape \(3,\)"),
        ("0.5", "str"),
    ],
    ids=["number", "function", "none", "part", "detached", "vector", "text"],
)
def test_what_is_no_loss_is_named_with_its_task(kind: str, loss: object, found: str) -> None:
    model = network()
    method = spy(kind)
    made = TaskBalancer(method, TASKS, model.shared())
    with pytest.raises(ConfigError, match=rf"the loss of task 'b' must be a scalar tensor .* found {found}"):
        made.backward(as_callables(model, batches()) | {"b": loss})
    assert unchecked(made.state).steps == 0
    assert all(p.grad is None for p in model.shared())


@pytest.mark.parametrize(
    ("kind", "known"), [("products", True), ("norms", True), ("gramian", True), ("gramian", False)]
)
@pytest.mark.parametrize("bad", ["a", "b", "c"])
def test_the_task_of_a_broken_gradient_is_named(kind: str, known: bool, bad: str) -> None:
    theta = nn.Parameter(torch.zeros(2))
    method = spy(kind, known)
    made = TaskBalancer(method, TASKS, [theta])
    losses = {task: (lambda: (theta * 3).sum()) for task in TASKS} | {bad: lambda: theta.sqrt().sum()}
    with pytest.raises(DivergedError, match=rf"the gradient of task '{bad}' must be finite, found (nan|inf)"):
        made.backward(losses)
    assert not method.seen
    assert unchecked(made.state).steps == 0
    assert theta.grad is None
    assert theta.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("kind", "known"), [("nothing", True), ("nothing", False), ("norms", False), ("products", True)]
)
def test_the_task_of_a_broken_loss_is_named(kind: str, known: bool) -> None:
    model = network()
    method = spy(kind, known)
    made = TaskBalancer(method, TASKS, model.shared())
    with pytest.raises(DivergedError, match="the loss of task 'c' must be finite, found nan"):
        made.backward(as_callables(model, batches()) | {"c": lambda: model("c", batches()["c"]) * float("nan")})
    assert not method.seen
    assert all(p.grad is None for p in model.shared())


@pytest.mark.parametrize("kind", ["products", "norms", "gramian", "low memory"])
def test_sparse_gradients_are_refused(kind: str) -> None:
    table = nn.Embedding(5, 2, sparse=True)
    made = TaskBalancer(
        spy("products" if kind == "low memory" else kind),
        TASKS,
        table.parameters(),
        low_memory=kind == "low memory",
    )
    losses = {task: (lambda: table(torch.tensor([1, 2])).square().sum()) for task in TASKS}
    with pytest.raises(ConfigError, match="a gradient is sparse, which cannot be compared"):
        made.backward(losses)


@pytest.mark.parametrize(
    ("tokens", "found"), [({"a": 3, "c": 1}, "None for 'b'"), ({"a": 3, "b": -1, "c": 1}, "-1 for 'b'")]
)
def test_tokens_are_given_for_every_task(tokens: dict[str, float], found: str) -> None:
    """A task that is left out would else be dropped in silence."""
    model = network()
    with pytest.raises(ConfigError, match=f"tokens must be given for every task of the losses.*found {found}"):
        balancer(model, True).backward(as_callables(model, batches()), tokens=tokens)


@pytest.mark.parametrize(
    ("losses", "tokens"), [({"a": []}, None), ({"a": torch.ones(1, requires_grad=True).sum()}, {"a": 0})]
)
def test_a_step_without_any_task_is_refused(losses: dict[str, Any], tokens: dict[str, float] | None) -> None:
    with pytest.raises(ConfigError, match="found none"):
        balancer(network(), True).backward(losses, tokens=tokens)


def test_across_ranks_is_mean_or_sum() -> None:
    with pytest.raises(ConfigError, match="across_ranks must be mean or sum, found 'max'"):
        TaskBalancer(CATS(), ["a"], [nn.Parameter(torch.zeros(1))], across_ranks="max")


@pytest.mark.parametrize("form", ["functions", "tensors"])
def test_a_plain_step_names_the_task_of_a_gradient_that_is_not_finite(form: str) -> None:
    theta = torch.nn.Parameter(torch.zeros(2))
    made = TaskBalancer(Fixed(), ["a", "b"], [theta])
    losses: dict[str, Any] = {"a": lambda: (theta**2).sum(), "b": lambda: theta.sqrt().sum()}
    if form == "tensors":
        losses = {task: loss() for task, loss in losses.items()}
    named = "the gradient of task 'b'" if form == "functions" else "the combined gradient of the tasks a, b"
    with pytest.raises(DivergedError, match=f"{named} must be finite"):
        made.backward(losses)
    assert theta.grad is None


def test_finite_gradients_whose_norm_overflows_are_taken() -> None:
    theta = torch.nn.Parameter(torch.zeros(2))
    TaskBalancer(Fixed(), ["a"], [theta]).backward({"a": lambda: (theta * 1e30).sum()})
    assert theta.grad is not None
    assert not theta.grad.norm().isfinite()
    assert theta.grad.tolist() == pytest.approx([1e30, 1e30])


def test_a_plain_step_s_overflow_under_a_scaler_is_skipped() -> None:
    theta = torch.nn.Parameter(torch.tensor([1e3, 1.0]))
    made = TaskBalancer(CATS(), ["a", "b"], [theta])
    before = made.state
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**120)
    result = made.backward({"a": lambda: theta[0] ** 3, "b": lambda: theta[1] ** 2}, scaler=scaler)
    assert result.skipped
    assert made.state is before


@pytest.mark.parametrize("scaled", [False, True])
def test_a_gradient_outside_the_measured_group(scaled: bool) -> None:
    """What was not measured is looked at too, before anything moves."""
    theta, last = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.ones(2))
    made = TaskBalancer(METHODS["gradnorm"](), ["a", "b"], [theta, last], groups={"z": [last]})
    state = made.state
    losses = {"a": lambda: (theta**2 + last**2).sum(), "b": lambda: theta.sqrt().sum() + last.sum()}
    if scaled:
        assert made.backward(losses, scaler=torch.amp.GradScaler("cpu")).skipped
    else:
        with pytest.raises(DivergedError, match="the gradient of task 'b' must be finite"):
            made.backward(losses)
        assert theta.grad is None
    assert made.state is state


def test_a_mistake_leaves_earlier_gradients() -> None:
    theta = torch.nn.Parameter(torch.ones(2))
    made = TaskBalancer(Fixed(), ["a"], [theta])
    made.backward({"a": (theta**2).sum()})
    with pytest.raises(ConfigError, match="found none"):
        made.backward({"a": (theta**2).sum()}, tokens={"a": 0})
    assert theta.grad.tolist() == [2.0, 2.0]


def test_a_plain_step_takes_sparse_gradients() -> None:
    table = torch.nn.Embedding(5, 2, sparse=True)
    TaskBalancer(Fixed(), ["a"], table.parameters()).backward({"a": lambda: table(torch.tensor([1, 1])).sum()})
    assert table.weight.grad.is_sparse


@pytest.mark.parametrize(
    "request_", [Request("products", group="z"), Request("norms", per_group=True)], ids=["products", "norms"]
)
def test_requests_that_are_not_measured(request_: Request) -> None:
    class Asking(Fixed):
        def request(self, state: State) -> Request:
            return request_

    theta = torch.nn.Parameter(torch.ones(2))
    made = TaskBalancer(Asking(), ["a"], [theta], groups={"z": [theta]})
    with pytest.raises(ConfigError, match="products are measured over all shared parameters"):
        made.backward({"a": (theta**2).sum()})
