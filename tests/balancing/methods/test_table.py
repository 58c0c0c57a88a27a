"""The table of methods and the section that chooses one agree."""

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.dwa import DWA
from catscale.balancing.methods.table import METHODS, BalancingConfig
from catscale.errors import UnknownNameError

SECTION: TypeAdapter[object] = TypeAdapter(BalancingConfig)


def test_the_section_knows_every_method_of_the_table() -> None:
    assert set(get_args(get_args(BalancingConfig)[0])) == set(METHODS.values())
    for name, kind in METHODS.items():
        assert kind.model_fields["method"].default == name


def test_a_section_chooses_a_method_with_its_settings() -> None:
    assert SECTION.validate_python({"method": "dwa", "interval": 7}) == DWA(interval=7)
    with pytest.raises(ValidationError, match=r"dwa\.rho"):
        SECTION.validate_python({"method": "dwa", "rho": 1})
    with pytest.raises(ValidationError, match="does not match any of the expected tags: 'fixed', 'cats'"):
        SECTION.validate_python({"method": "equal"})


def test_an_unknown_name_is_told_the_nearest() -> None:
    assert METHODS["cats"] is CATS
    with pytest.raises(UnknownNameError, match="there is no balancing method 'CATS'; did you mean 'cats'"):
        METHODS["CATS"]
