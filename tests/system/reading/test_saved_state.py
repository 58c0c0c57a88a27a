"""What a saved state of a balancer or a sampler must look like."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from catscale.errors import CheckpointError
from catscale.system.reading.saved_state import (
    check_content,
    check_numbers,
    copied,
    list_fields,
    restore_state,
    same_kind,
    save_state,
)

GOOD = {"method": "cats", "tasks": ["a", "b"], "state": {"steps": 1}}
NAN = float("nan")


def test_the_state_is_handed_out() -> None:
    assert check_content(GOOD, "cats", ["a", "b"], "balancer") == {"steps": 1}


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ([1], "must be what state_dict.. returned, with the keys method, tasks and state, found a list; give the part"),
        ({"model": 1}, r"found the keys \['model'\]"),
        (GOOD | {"state": 5}, "must hold a mapping as state and a list as tasks, found a int and a list"),
        (GOOD | {"method": "fixed"}, r"is 'fixed' over \['a', 'b'\], this one is 'cats' over \['a', 'b'\]; build"),
        (GOOD | {"tasks": ["b", "a"]}, r"is 'cats' over \['b', 'a'\], this one is 'cats'"),
    ],
)
def test_what_is_of_another_kind_is_refused(content: Any, answer: str) -> None:
    with pytest.raises(CheckpointError, match=answer):
        check_content(content, "cats", ["a", "b"], "balancer")


def test_numbers_are_finite_unless_the_first_state_has_none_yet() -> None:
    first = {"alpha": torch.ones(2), "seen": torch.tensor([NAN, NAN])}
    check_numbers({"alpha": torch.zeros(2), "seen": torch.tensor([NAN, 1.0]), "steps": 0}, first, "cats")
    for field, value in (("alpha", torch.tensor([1.0, NAN])), ("seen", torch.tensor([float("inf"), 1.0])), ("n", -1)):
        with pytest.raises(
            CheckpointError, match=f"must hold finite numbers, and counts of 0 or more, found {field} ="
        ):
            check_numbers({field: value}, first, "cats")


def test_a_value_takes_the_place_of_one_of_its_kind() -> None:
    ones = torch.ones(2)
    assert same_kind(ones, torch.zeros(2))
    assert same_kind(1, 2)
    assert not any(same_kind(ones, other) for other in (torch.ones(3), ones.double(), ones.to_sparse(), [1.0, 1.0]))
    assert not same_kind(1, True)


def test_copies_share_no_memory() -> None:
    value = torch.ones(2, requires_grad=True)
    copy = copied(value)
    assert copy.equal(value)
    assert not copy.requires_grad
    assert copy.data_ptr() != value.data_ptr()
    assert copied("a") == "a"


@dataclass(frozen=True)
class Moving:
    """A state that has seen nothing at first."""

    seen: torch.Tensor
    steps: int = 0


FIRST = Moving(torch.full((2,), NAN))


def test_a_state_comes_back_as_a_value() -> None:
    state = Moving(torch.tensor([1.0, NAN]), 3)
    saved = save_state("cats", ["a", "b"], state)
    assert saved["state"]["seen"].data_ptr() != state.seen.data_ptr()
    read = restore_state(saved, "cats", ["a", "b"], "balancer", state, FIRST)
    assert type(read) is Moving
    assert read.seen.nan_to_num(7).tolist() == [1.0, 7.0]
    assert read.steps == 3
    assert list_fields(read).keys() == {"seen", "steps"}


def test_a_state_of_other_fields_is_refused() -> None:
    saved = save_state("cats", ["a", "b"], FIRST)
    saved["state"] = {"seen": torch.ones(3), "more": 1}
    answer = r"the saved sampler is 'cats' with another state, found more, seen, steps missing, .*; build it with"
    with pytest.raises(CheckpointError, match=answer):
        restore_state(saved, "cats", ["a", "b"], "sampler", FIRST, FIRST)
