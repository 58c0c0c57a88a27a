"""What stays of a section's settings when it gets another method."""

from typing import Literal

import pytest
from pydantic import Field

from catscale.settings import Settings
from catscale.settings.section import Section


class First(Settings):
    method: Literal["first"] = "first"
    rate: float = Field(0.1, gt=0, le=1)
    beta: float = Field(0.9, ge=0, lt=1)


class Second(Settings):
    method: Literal["second"] = "second"
    rate: float = Field(0.1, gt=0, le=1)
    other: float = Field(0.5, ge=0, le=1, alias="lambda")


METHODS: dict[str, type[Settings]] = {"first": First, "second": Second}
CONTENT = {"method": "first", "rate": 0.3, "beta": 0.5, "lambda": 0.2}


def test_shared_settings_are_kept_by_another_method_that_has_them() -> None:
    section = Section(METHODS, "first", is_shared=True)
    assert section.settings_kept(CONTENT, "second") == {"rate": 0.3, "lambda": 0.2}
    assert section.settings_kept(CONTENT, "first") == {"rate": 0.3, "beta": 0.5}
    assert CONTENT["method"] == "first"


def test_where_a_setting_means_something_else_in_every_method_nothing_is_kept() -> None:
    assert Section(METHODS).settings_kept(CONTENT, "second") == {}


@pytest.mark.parametrize("method", ["third", None, 3, ["first"], {}])
def test_what_is_no_method_keeps_nothing(method: object) -> None:
    assert Section(METHODS, is_shared=True).settings_kept(CONTENT, method) == {}
