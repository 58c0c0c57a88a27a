"""What a balancer is built from: everything else is answered with what to write."""

from typing import Any

import pytest
import torch
from networks import network
from torch import nn

import catscale
from catscale import CATS, METHODS, SAMPLERS, Fixed, Sampler, TaskBalancer
from catscale.errors import ConfigError, UnknownNameError

MODEL = nn.Linear(2, 2)


def used_up() -> Any:
    parameters = MODEL.parameters()
    list(parameters)
    return parameters


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        (CATS, r"found the class CATS; write CATS\(\)"),
        (METHODS["mgda"], r"found the class MGDA; write MGDA\(\)"),
        ("cats", r"found the name 'cats'; write METHODS\['cats'\]\(\)"),
        ("CAT", r"with one of its names: did you mean 'cats'\? known are fixed, cats"),
        (None, r"found None, which lacks name, losses, init"),
        ({"method": "cats"}, r"found a dict, which lacks name"),
        (MODEL, r"found a Linear, which lacks name"),
        (MODEL.parameters(), r"found a generator, which lacks name"),
    ],
)
def test_a_method_is_an_instance(method: Any, answer: str) -> None:
    with pytest.raises(ConfigError, match=rf"the balancing method must be an instance with its settings.*{answer}"):
        TaskBalancer(method, ["a"], MODEL.parameters())


@pytest.mark.parametrize(
    ("tasks", "answer"),
    [
        ("en-az", r"found the text 'en-az'; write \['en-az'\]"),
        ([], r"found \[\]; name at least one"),
        (["a", "b", "a"], r"found \['a', 'b', 'a'\]; name each once"),
        ([1, 2], r"found 1, which is no text; write str\(1\)"),
        ([None], r"found None, which is no text"),
        (3, r"found 3; write a list"),
    ],
)
def test_tasks_are_different_names(tasks: Any, answer: str) -> None:
    with pytest.raises(ConfigError, match=f"tasks must be one or more different names, {answer}"):
        TaskBalancer(Fixed(), tasks, MODEL.parameters())


@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        (MODEL, r"found the module Linear; write model.parameters\(\)"),
        (MODEL.weight, r"found one tensor of shape \(2, 2\); write a list of it"),
        (MODEL.named_parameters(), r"found a tuple among them; named_parameters\(\) .*; write model.parameters\(\)"),
        (MODEL.state_dict(), r"found a OrderedDict; write model.parameters\(\)"),
        ([{"params": list(MODEL.parameters())}], r"found a dict among them; .*the optimiser's groups"),
        ([MODEL], r"found a Linear among them; write"),
        (used_up(), r"found none; an iterator gives its items once, so write model.parameters\(\) anew"),
        ([], r"found none"),
        (None, r"found None; write model.parameters\(\)"),
        ("model", r"found 'model'; write"),
        ([MODEL.weight * 2], r"found one of shape \(2, 2\) that was computed from others"),
        (
            [nn.Parameter(torch.ones(3, device="meta"))],
            r"found one of shape \(3,\) on the device meta, which holds no numbers; move",
        ),
    ],
)
def test_parameters_are_tensors(parameters: Any, answer: str) -> None:
    with pytest.raises(ConfigError, match=f"parameters must be the tensors that all tasks share, {answer}"):
        TaskBalancer(Fixed(), ["a"], parameters)


def test_parameters_given_twice_count_once_and_frozen_ones_not_at_all() -> None:
    frozen, counts = nn.Parameter(torch.ones(1), requires_grad=False), torch.ones(2, dtype=torch.int64)
    made = TaskBalancer(Fixed(), ["a"], [*MODEL.parameters(), *MODEL.parameters(), frozen, counts])
    assert [id(p) for p in made.parameters] == [id(p) for p in MODEL.parameters()]


@pytest.mark.parametrize(
    ("groups", "answer"),
    [
        (MODEL, r"found a Linear; write \{name: module.parameters\(\)\}"),
        (["weight"], r"found a list; write"),
        ({"all": MODEL}, r"found a Linear for 'all'; write module.parameters\(\)"),
        ({"all": MODEL.weight}, r"found a tensor of shape \(2, 2\) for 'all'"),
        ({"all": 3}, r"found 3 for 'all'"),
    ],
)
def test_groups_are_parameters_by_name(groups: Any, answer: str) -> None:
    with pytest.raises(ConfigError, match=f"groups must be parameters by the name of a group, {answer}"):
        TaskBalancer(Fixed(), ["a"], MODEL.parameters(), groups=groups)


def test_groups_that_overlap_are_refused_before_the_first_step() -> None:
    model = network()
    groups = {"x": model.hidden.parameters(), "y": model.hidden.parameters()}
    with pytest.raises(ConfigError, match="groups must not share parameters"):
        TaskBalancer(METHODS["mgda"](granularity="groups"), ["a"], model.shared(), groups=groups)


def test_a_module_is_a_module() -> None:
    with pytest.raises(ConfigError, match="module must be the model as you call it, found a generator; give the model"):
        TaskBalancer(Fixed(), ["a"], MODEL.parameters(), module=MODEL.parameters())


@pytest.mark.parametrize("table", [METHODS, SAMPLERS], ids=["methods", "samplers"])
def test_tables_name_the_nearest_name(table: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"there is no .* 'nope'; known are "):
        table["nope"]
    with pytest.raises(KeyError, match=r"did you mean '(multidds|mgda)'\?"):
        table["MGDA" if table is METHODS else "MultiDDS"]
    assert "nope" not in table
    assert table.get("nope") is None


def test_all_names_of_the_package_are_there() -> None:
    for name in catscale.__all__:
        assert getattr(catscale, name) is not None
    assert Sampler is catscale.Sampler
    with pytest.raises(AttributeError, match=r"no attribute 'MGDA'; all names are in catscale.balancing"):
        _ = catscale.MGDA
