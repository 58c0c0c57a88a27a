"""Members that a method may leave out are read as `MethodSettings` has them."""

from typing import Any

import pytest

from catscale import METHODS
from catscale.balancing.contract import MethodSettings, Request, State
from catscale.balancing.engine.optional_members import (
    Promises,
    bind_method,
    is_valid_state,
    read_group,
    read_measures,
    read_promises,
)
from tests.unchecked import unchecked


class Bare:
    """A method of somebody's own that has nothing but what it must."""

    name, losses = "bare", "tasks"


class Full(Bare):
    """One that has everything."""

    measures, group = Request("norms"), "last"
    signed, randomised, precision, scale_of_weights = True, True, 1e-3, "inverse"

    def bind(self, tasks: list[str], groups: list[str]) -> str:
        """Return the names."""
        return f"{tasks} {groups}"

    def is_valid(self, state: State) -> bool:
        """Return False: no state is one."""
        return False


class Defaults(MethodSettings):
    """Settings with the defaults."""

    method: str = "toy"


@pytest.mark.parametrize("method", [Bare(), Defaults()])
def test_what_is_left_out(method: Any) -> None:
    assert bind_method(method, ["a"], []) is method
    assert read_measures(method, Request("gramian")) == Request("gramian")
    assert read_group(method) is None
    assert is_valid_state(method, State())
    assert read_promises(method) == Promises(signed=False, randomised=False, precision=1e-6, scale_of_weights=None)


def test_what_is_there() -> None:
    method = unchecked(Full())
    assert unchecked(bind_method(method, ["a"], ["g"])) == "['a'] ['g']"
    assert read_measures(method, Request()) == Request("norms")
    assert read_group(method) == "last"
    assert not is_valid_state(method, State())
    assert read_promises(method) == Promises(True, True, 1e-3, "inverse")


def test_the_settings_name_the_method() -> None:
    assert Defaults().name == "toy"


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_the_table_derive_from_the_base(name: str) -> None:
    assert issubclass(METHODS[name], MethodSettings)
