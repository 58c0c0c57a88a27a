"""Advice to who gives a class or a name where an instance is wanted."""

from typing import Any

import pytest
import torch

from catscale.errors import ConfigError
from catscale.system.misuse import describe, require_settings


class Wanted:
    name, losses = "wanted", "tasks"


TABLE: dict[str, type] = {"wanted": Wanted}


def require(found: Any, what: str = "balancing method") -> None:
    require_settings(found, ("name", "losses"), what, "Wanted()", TABLE)


def test_an_instance_passes() -> None:
    require(Wanted())


@pytest.mark.parametrize(
    ("found", "what", "answer"),
    [
        (Wanted, "balancing method", r"found the class Wanted; write Wanted\(\)$"),
        ("wanted", "balancing method", r"such as Wanted\(\), found the name 'wanted'; write METHODS\['wanted'\]\(\)$"),
        ("wantd", "sampler", r"write SAMPLERS\['wantd'\]\(\), with one of its names: did you mean 'wanted'"),
        (5, "balancing method", r"found 5, which lacks name, losses; see the contract"),
        (torch.ones(2, 3), "balancing method", r"found a tensor of shape \(2, 3\), which lacks losses"),
    ],
)
def test_what_is_none_is_answered_with_what_to_write(found: Any, what: str, answer: str) -> None:
    with pytest.raises(ConfigError, match=answer):
        require(found, what)


def test_properties_are_not_run_to_look_for_them() -> None:
    class Costly(Wanted):
        @property
        def losses(self) -> str:  # type: ignore[override]
            raise AssertionError("it was run")

    require(Costly())


def test_things_are_named() -> None:
    assert [describe(thing) for thing in (None, "a", 2.5, [1])] == ["None", "'a'", "2.5", "a list"]
