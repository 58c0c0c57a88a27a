"""Schemas of files that are read back."""

import math
from typing import Any

import pytest

from catscale.system.reading.schema import Count, FileSchema, NotNegative, Number, Text, check


class Inner(FileSchema):
    loss: NotNegative = 0.0


class Example(FileSchema):
    step: Count = 0
    mean: Number = 0.0
    name: Text = ""
    inner: Inner = Inner()


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"step": 2**63 - 1},
        {"mean": -1.5, "name": "az 😀"},
        {"mean": 3},
        {"later": [1]},
        {"inner": {"loss": 0.0, "x": 1}},
    ],
)
def test_what_fits_passes_and_other_keys_are_left_alone(content: Any) -> None:
    check(content, Example)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"step": -1}, "step: input should be greater than or equal to 0, found -1"),
        ({"step": True}, "step: input should be a valid integer, found True"),
        ({"step": "3"}, "step: input should be a valid integer, found '3'"),
        ({"step": 2**63}, "step: input should be less than 9223372036854775808"),
        ({"mean": math.nan}, "mean: input should be a finite number, found nan"),
        ({"inner": {"loss": -0.5}}, r"inner\.loss: input should be greater than or equal to 0"),
        ({"inner": 3}, "inner: must hold keys, found 3"),
        ({"name": "a\0b"}, "^name: text holds a NUL character or half of a surrogate pair$"),
        ({"name": "\ud800"}, "name: input should be a valid string, unable to parse raw data as a unicode string"),
        ({"name": "x" * 10_001}, "name: string should have at most 10000 characters, found 'xxx"),
        ([], r"^must hold keys, found \[\]$"),
        (None, "must hold keys, found None"),
    ],
)
def test_problems_name_key_fault_and_find(content: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check(content, Example)


def test_a_required_key_that_is_missing() -> None:
    class Strict(FileSchema):
        step: int

    with pytest.raises(ValueError, match=r"^step: field required$"):
        check({}, Strict)


def test_only_the_first_problems_are_named_and_the_others_counted() -> None:
    class Four(FileSchema):
        a: int
        b: int
        c: int
        d: int
        e: int

    with pytest.raises(ValueError, match=r"^a: field required; b: field required; c: field required; and 2 more$"):
        check({}, Four)
    with pytest.raises(ValueError, match=r"^a: field required; b: field required; c: field required$"):
        check({"d": 1, "e": 2}, Four)
