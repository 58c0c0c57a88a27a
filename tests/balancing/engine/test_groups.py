"""Named groups of the shared parameters."""

import pytest
import torch
from torch import nn

from catscale import TaskBalancer
from catscale.balancing.engine.groups import ParameterGroups
from catscale.errors import ConfigError
from tests.balancing.engine.spies import spy
from tests.balancing.networks import TASKS, network

PARAMETERS = [nn.Parameter(torch.zeros(n + 1)) for n in range(5)]
ONE, TWO, THREE, FOUR, FIVE = PARAMETERS


def test_members_by_name_in_the_order_of_the_parameters() -> None:
    groups = ParameterGroups(PARAMETERS, {"x": iter([THREE, ONE, THREE]), "y": [FOUR, nn.Parameter(torch.zeros(1))]})
    assert groups.names == ["x", "y", "rest"]
    assert groups.members("x") == [0, 2]
    assert groups.members("y") == groups.members("last") == [3]
    assert groups.members("rest") == [1, 4]
    assert groups.members(None) == [0, 1, 2, 3, 4]
    assert groups.partition() == [[0, 2], [3], [1, 4]]


def test_without_a_rest_or_without_groups() -> None:
    assert ParameterGroups([ONE, TWO], {"x": [ONE], "y": [TWO]}).partition() == [[0], [1]]
    assert ParameterGroups([ONE, TWO], None).partition() == [[0, 1]]
    assert ParameterGroups([ONE, TWO], None).names == ["rest"]


@pytest.mark.parametrize("name", ["rest", "last"])
def test_reserved_names(name: str) -> None:
    with pytest.raises(ConfigError, match=f"group '{name}' must .* not be called rest or last"):
        ParameterGroups(PARAMETERS, {name: [ONE]})


def test_a_group_of_nothing_shared() -> None:
    with pytest.raises(ConfigError, match=r"group 'x' must hold trainable shared parameters.* found 0 of them"):
        ParameterGroups([ONE, TWO], {"x": [THREE]})


@pytest.mark.parametrize(("name", "given"), [("z", {"x": [ONE]}), ("rest", {"x": PARAMETERS})])
def test_an_unknown_group(name: str, given: dict | None) -> None:
    with pytest.raises(ConfigError, match=f"gradients of the group '{name}'; the groups are (x|x, rest|rest); name"):
        ParameterGroups(PARAMETERS, given).members(name)


def test_the_last_of_no_groups_is_everything() -> None:
    assert ParameterGroups(PARAMETERS, None).members("last") == ParameterGroups(PARAMETERS, None).members(None)


def test_shared_members_cannot_be_parted() -> None:
    groups = ParameterGroups(PARAMETERS, {"x": [ONE, TWO], "y": [TWO]})
    assert groups.members("y") == [1]
    with pytest.raises(ConfigError, match=r"groups must not share parameters .* \['x', 'y', 'rest'\]; part them"):
        groups.partition()


def test_the_engine_says_so_too() -> None:
    model = network()
    made = TaskBalancer(spy("norms", group="head"), TASKS, model.shared(), groups={"table": [model.embedding.weight]})
    with pytest.raises(ConfigError, match="the group 'head'; the groups are table, rest"):
        made.backward({"a": lambda: model("a", torch.arange(9))})
