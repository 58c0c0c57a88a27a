"""States that are none, of others, or damaged; every method's own state is read back."""

from typing import Any

import pytest
import torch
from torch import nn

from catscale import CATS, METHODS, Fixed, TaskBalancer
from catscale.balancing.checks import N, follow, trajectory
from catscale.errors import CheckpointError
from tests.unchecked import unchecked

THETA = nn.Parameter(torch.zeros(2))
TASKS = [f"en-{n}" for n in range(N)]


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ({}, r"with the keys method, tasks and state, found the keys \[\]; give the part"),
        ({"model": {}, "balancer": {}}, r"found the keys \['balancer', 'model'\]"),
        (None, "found a NoneType"),
        ([1], "found a list"),
        (
            {"method": "fixed", "tasks": TASKS, "state": None},
            "must hold a mapping as state and a list as tasks, found a No",
        ),
        ({"method": "fixed", "tasks": 3, "state": {}}, "found a dict and a int"),
        ({"method": "fixed", "tasks": TASKS, "state": {}}, "found values missing"),
        ({"method": "cats", "tasks": TASKS, "state": {}}, "is 'cats' over .* this one is 'fixed' over"),
        ({"method": "fixed", "tasks": TASKS[::-1], "state": {}}, "this one is 'fixed' over"),
    ],
)
def test_what_state_dict_did_not_return(content: Any, answer: str) -> None:
    made = TaskBalancer(Fixed(), TASKS, [THETA])
    before = made.state
    with pytest.raises(CheckpointError, match=f"the saved .*{answer}"):
        made.load_state_dict(content)
    assert made.state is before


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite(name: str, value: float) -> None:
    """Each tensor in turn; NaN is allowed where a new state has it, and says "not seen yet"."""
    method = METHODS[name]()
    made = TaskBalancer(method, TASKS, [THETA])
    first = made.state_dict()["state"]
    _, made.state = follow(method, trajectory()[:7])
    for field, old in made.state_dict()["state"].items():
        if not isinstance(old, torch.Tensor) or not old.numel():
            continue
        content = made.state_dict()
        content["state"][field].view(-1)[-1] = value
        if value != value and first[field].isnan().any():
            made.load_state_dict(content)
            continue
        with pytest.raises(
            CheckpointError, match=f"must hold finite numbers, and counts of 0 or more, found {field} ="
        ):
            made.load_state_dict(content)


@pytest.mark.parametrize("name", METHODS)
def test_every_state_on_the_way_is_read_back(name: str) -> None:
    method = METHODS[name]()
    for kind in ("plain", "zero", "one zero", "opposed", "scales", "lossy"):
        made, other = (TaskBalancer(method, TASKS, [THETA]) for _ in range(2))
        _, made.state = follow(method, trajectory(kind)[:11])
        other.load_state_dict(made.state_dict())


def test_counts_and_weights_are_not_negative() -> None:
    made = TaskBalancer(CATS(), TASKS, [THETA])
    content = made.state_dict()
    content["state"]["steps"] = -3
    with pytest.raises(CheckpointError, match="counts of 0 or more, found steps = -3; load another"):
        made.load_state_dict(content)
    for field in ("alpha", "curvature_multiplier", "floor_multipliers"):
        content = made.state_dict()
        content["state"][field].view(-1)[0] = -1.0
        with pytest.raises(
            CheckpointError, match="must hold and give weights of 0 or more, found others; load another"
        ):
            made.load_state_dict(content)


def test_a_state_with_a_graph_or_in_other_memory_is_copied() -> None:
    made = TaskBalancer(CATS(), TASKS, [THETA])
    content = made.state_dict()
    content["state"]["alpha"].requires_grad_()
    made.load_state_dict(content)
    assert not unchecked(made.state).alpha.requires_grad
