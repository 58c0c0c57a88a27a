"""Losses and counts of tokens that are none, each answered with what to write."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from catscale import CATS, Fixed, TaskBalancer
from catscale.errors import ConfigError
from tests.balancing.networks import TASKS, as_callables, as_tensors, batches, network
from tests.unchecked import unchecked

NET = nn.Linear(2, 2)
OUT = NET(torch.ones(1, 2))


@pytest.mark.parametrize(
    ("loss", "answer"),
    [
        (NET, r"found Linear; a model is no loss: write lambda: model\(\*\*batch\).loss"),
        (lambda: SimpleNamespace(loss=OUT.sum()), "found SimpleNamespace; return its .loss"),
        (lambda: OUT, r"found shape \(1, 2\); take its mean, or its sum"),
        (OUT.sum().detach(), r"found shape \(\) without a graph; compute it with gradients on"),
        (lambda: OUT.sum().item(), "found float; return the loss itself"),
        (3, "found int; return the loss itself"),
        (lambda: (OUT.sum(), OUT), "found tuple; return the loss itself"),
        (lambda: None, "found NoneType; end the function with return loss"),
        (lambda: torch.complex(OUT.sum(), OUT.sum()), r"found shape \(\) of torch.complex64; take its real part"),
    ],
)
@pytest.mark.parametrize("method", [Fixed(), CATS(inner_steps=1)], ids=lambda m: m.name)
def test_what_is_no_loss(loss: Any, answer: str, method: Any) -> None:
    made = TaskBalancer(method, ["a"], NET.parameters())
    with pytest.raises(ConfigError, match=f"the loss of task 'a' must be a scalar tensor that depends .*{answer}"):
        made.backward({"a": loss})


def test_a_function_with_arguments() -> None:
    made = TaskBalancer(Fixed(), ["a"], NET.parameters())
    with pytest.raises(
        ConfigError, match=r"a function without arguments, found one that wants some \(.*; write lambda b"
    ):
        made.backward({"a": unchecked(lambda batch: NET(batch).sum())})


def test_a_type_error_inside_a_loss_is_its_own() -> None:
    made = TaskBalancer(Fixed(), ["a"], NET.parameters())
    with pytest.raises(TypeError, match="unsupported operand"):
        made.backward({"a": lambda: OUT.sum() + "x"})


@pytest.mark.parametrize(
    ("losses", "answer"),
    [
        (OUT.sum(), r"found a tensor of shape \(\); write \{task: loss\}"),
        ([OUT.sum()], "found a list; write"),
        (None, "found None; write"),
        (lambda: OUT.sum(), "found a function; write"),
    ],
)
def test_losses_are_given_by_task(losses: Any, answer: str) -> None:
    with pytest.raises(ConfigError, match=f"losses must be given by task, {answer}"):
        TaskBalancer(Fixed(), ["a"], NET.parameters()).backward(losses)


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    made = TaskBalancer(Fixed(), ["en-az", "en-fr"], NET.parameters())
    with pytest.raises(ConfigError, match=r"found \['en-fa'\]; did you mean 'en-fr'\?"):
        made.backward({"en-fa": OUT.sum()})


@pytest.mark.parametrize("form", ["two tasks", "two parts"])
def test_the_same_tensor_twice(form: str) -> None:
    model = network()
    made = TaskBalancer(CATS(), TASKS, model.shared())
    losses: dict[str, Any] = dict(as_tensors(model, batches()))
    losses["b"] = losses["a"] if form == "two tasks" else [losses["b"], losses["b"]]
    names = "'a' and 'b'" if form == "two tasks" else "'b' and 'b'"
    with pytest.raises(ConfigError, match=f"each loss must be given once, found the same tensor for the tasks {names}"):
        made.backward(losses)


@pytest.mark.parametrize(
    ("count", "found"),
    [
        ("12", "'12'"),
        (-1, "-1"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (None, "None"),
        (True, "True"),
        ([3], r"\[3\]"),
    ],
)
def test_tokens_are_numbers(count: Any, found: str) -> None:
    model = network()
    made = TaskBalancer(Fixed(), TASKS, model.shared())
    tokens = dict.fromkeys(TASKS, 3) | {"b": count}
    with pytest.raises(ConfigError, match=f"tokens must be given for every task .* found {found} for 'b'; count them"):
        made.backward(as_callables(model, batches()), tokens=unchecked(tokens))


@pytest.mark.parametrize(
    ("tokens", "answer"),
    [
        (7, "found 7; write"),
        ({"a": 1, "b": 1, "c": 1, "bb": 1}, "found some for 'bb', which is no task; did you mean 'b'"),
    ],
)
def test_tokens_are_given_by_task(tokens: Any, answer: str) -> None:
    model = network()
    with pytest.raises(ConfigError, match=f"tokens must be given for every task .*{answer}"):
        TaskBalancer(Fixed(), TASKS, model.shared()).backward(as_callables(model, batches()), tokens=unchecked(tokens))


def test_tokens_may_be_tensors_of_one_number() -> None:
    model = network()
    tokens = {task: torch.tensor(4) for task in TASKS} | {"c": torch.tensor([0])}
    step = TaskBalancer(Fixed(), TASKS, model.shared()).backward(
        as_callables(model, batches()), tokens=unchecked(tokens)
    )
    assert list(step.losses) == ["a", "b"]


def test_a_scaler_is_a_scaler() -> None:
    with pytest.raises(
        ConfigError, match=r"scaler must be a torch.amp.GradScaler, found 1024.0; make one, or leave it"
    ):
        TaskBalancer(Fixed(), ["a"], NET.parameters()).backward({"a": OUT.sum()}, scaler=unchecked(1024.0))
