"""Tables that help who looks a name up."""

import copy
import pickle

import pytest

from catscale.errors import UnknownNameError
from catscale.system.named import NamedTable, suggest
from tests.unchecked import unchecked

TABLE = NamedTable("balancing method", {"fixed": 1, "grad_norm": 2})


def test_a_name_that_is_there_gives_its_entry() -> None:
    assert (TABLE["fixed"], TABLE.get("none"), list(TABLE)) == (1, None, ["fixed", "grad_norm"])


@pytest.mark.parametrize("written", ["gradnorm", "Grad-Norm", "grad norm"])
def test_the_nearest_name_is_told(written: str) -> None:
    with pytest.raises(UnknownNameError, match=r"there is no balancing method .*did you mean 'grad_norm'\? known are"):
        TABLE[written]


def test_where_none_is_near_all_are_listed() -> None:
    assert suggest("zzz", TABLE) == "known are fixed, grad_norm"
    with pytest.raises(UnknownNameError, match="there is no balancing method 5; known are fixed, grad_norm"):
        unchecked(TABLE)[5]


def test_an_attribute_says_how_an_entry_is_reached() -> None:
    with pytest.raises(AttributeError, match=r"reached by its name in brackets, found \.fixed; write \['fixed'\]"):
        _ = unchecked(TABLE).fixed
    with pytest.raises(AttributeError, match=r"found \.fixd; did you mean 'fixed'"):
        _ = unchecked(TABLE).fixd


def test_copies_and_pickles_are_plain_ones() -> None:
    assert copy.deepcopy(dict(TABLE)) == TABLE
    assert not hasattr(TABLE, "__deepcopy__")
    assert pickle.loads(pickle.dumps(dict(TABLE))) == TABLE
