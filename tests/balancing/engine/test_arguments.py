"""What a balancer is built from: everything else is answered with what to write."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import catscale
from catscale import CATS, METHODS, SAMPLERS, Fixed, Sampler, TaskBalancer
from catscale.balancing.checks import check_method
from catscale.errors import ConfigError, UnknownNameError
from catscale.sampling.draws import draw_tasks
from catscale.sampling.temperature import temperature_shares
from tests.balancing.networks import network
from tests.unchecked import unchecked

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
        (MODEL.parameters(), r"found parameters; write TaskBalancer\(method, tasks, parameters\), in this order"),
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
        TaskBalancer(Fixed(), ["a"], MODEL.parameters(), module=unchecked(MODEL.parameters()))


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
    with pytest.raises(
        AttributeError, match=r"no attribute 'MGDA'; it has CATS, .*are in the tables METHODS and SAMPLERS"
    ):
        _ = catscale.MGDA


def test_settings_are_copied_and_pickled() -> None:
    for method in (CATS(alpha_lr=0.3), METHODS["mgda"](granularity="groups").bind(["a"], ["x", "y"])):
        assert copy.deepcopy(method) == pickle.loads(pickle.dumps(method)) == method
    for table in (METHODS, SAMPLERS):
        assert copy.copy(table).keys() == copy.deepcopy(table).keys() == pickle.loads(pickle.dumps(dict(table))).keys()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("step", r"call backward\(\{task: loss\}\), and then optimizer.step\(\)"),
        ("zero_grad", r"call optimizer.zero_grad"),
        ("cuda", "move the model"),
        ("train", "leave it out"),
        ("no_such", "no attribute 'no_such'"),
    ],
)
def test_what_other_objects_have_is_answered(name: str, answer: str) -> None:
    with pytest.raises(AttributeError, match=answer):
        getattr(TaskBalancer(Fixed(), ["a"], MODEL.parameters()), name)


def test_what_a_property_raises_is_not_hidden() -> None:
    class Broken(Fixed):
        def weights(self, state: Any, task_ids: Any) -> Any:
            return unchecked(self).nonsense

    with pytest.raises(AttributeError, match="nonsense"):
        _ = TaskBalancer(Broken(), ["a"], MODEL.parameters()).weights


def test_tables_say_how_an_entry_is_reached() -> None:
    with pytest.raises(AttributeError, match=r"is reached by its name in brackets, found .cats; write \['cats'\]"):
        _ = unchecked(METHODS).cats
    with pytest.raises(AttributeError, match=r"found .MultiDDS; did you mean 'multidds'\?"):
        _ = unchecked(SAMPLERS).MultiDDS


@pytest.mark.parametrize(
    ("loss", "answer"),
    [
        (lambda: None, "end the function with return loss, and leave backward to the balancer"),
        ({"loss": MODEL.weight.sum()}, 'return its "loss"'),
    ],
)
def test_what_is_no_loss_is_answered(loss: Any, answer: str) -> None:
    with pytest.raises(ConfigError, match=answer):
        TaskBalancer(Fixed(), ["a"], MODEL.parameters()).backward({"a": loss})


@pytest.mark.parametrize(
    ("method", "answer"), [(CATS, r"write CATS\(\)"), ("cats", r"write METHODS\['cats'\]\(\)"), (3, "lacks")]
)
def test_check_method_takes_an_instance(method: Any, answer: str) -> None:
    with pytest.raises(ConfigError, match=answer):
        check_method(method)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (
            lambda: unchecked(draw_tasks)(np.array([0.5, 0.5]), 2, -1, 1),
            "whole numbers of 0 or more, found 2, -1 and 1",
        ),
        (
            lambda: unchecked(draw_tasks)(np.array([0.5, 0.5]), 2.5, 1, 1),
            "whole numbers of 0 or more, found 2.5, 1 and 1",
        ),
        (
            lambda: unchecked(temperature_shares)({"a": 1}, 1),
            r"a list of numbers and a temperature, found {'a': 1} and 1",
        ),
        (
            lambda: unchecked(temperature_shares)([1, 2], "5"),
            r"a list of numbers and a temperature, found \[1, 2\] and '5'",
        ),
        (
            lambda: Sampler(SAMPLERS["temperature"](), {"a": 1}).probabilities(unchecked("3")),
            "number of an update, .*found '3'",
        ),
    ],
)
def test_shares_and_draws_take_numbers(call: Any, answer: str) -> None:
    with pytest.raises(ConfigError, match=answer):
        call()
