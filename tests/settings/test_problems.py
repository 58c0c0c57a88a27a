"""Faults of settings, in one line each."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from catscale.settings.problems import describe_frozen, describe_positional, explain, refuse, refuse_call, shorten


class Small(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    method: Literal["small"] = "small"
    step_size: float = Field(0.1, gt=0)
    seed: int = 1


class Large(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    method: Literal["large"] = "large"
    name: str = "x"
    is_on: bool = False


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    section: Annotated[Small | Large, Field(discriminator="method")]
    items: list[Small] = []


def fault(content: Any, root: type[BaseModel] = Whole) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        root.model_validate(content)
    return caught.value


def say(content: Any, root: type[BaseModel] = Whole, **options: Any) -> str:
    [problem] = fault(content, root).errors()
    return explain(dict(problem), root, **options)


def test_a_value_for_a_message_has_a_bounded_length() -> None:
    assert shorten("ab") == "'ab'"
    for value in ("a" * 10_000, [["a" * 500] * 100] * 100, {str(i): i for i in range(1000)}, 10**200):
        assert len(shorten(value)) <= 80
        assert "..." in shorten(value)


def test_a_key_that_is_nearly_right_and_one_that_is_not() -> None:
    assert say({"section": {"method": "small", "stepsize": 1.0}}) == (
        "section.stepsize: unknown key; did you mean step_size?"
    )
    assert say({"section": {"method": "small", "qqq": 1}}) == (
        "section.qqq: unknown key; known here: method, step_size, seed"
    )


def test_the_name_of_a_variant_is_no_key_and_a_position_in_a_list_is() -> None:
    assert say({"section": {"method": "small", "step_size": 0.0}}) == (
        "section.step_size: input should be greater than 0, found 0.0"
    )
    assert say({"section": {"method": "small"}, "items": [{}, {"seed": None}]}).startswith("items.1.seed: ")


class Named(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    parts: dict[str, Small] = {}
    codes: dict[str, str] = {}


def test_a_key_of_settings_that_have_names_is_judged_by_their_class() -> None:
    assert say({"parts": {"first": {"step_sise": 1.0}}}, Named) == (
        "parts.first.step_sise: unknown key; did you mean step_size?"
    )
    assert say({"parts": {"1": {"seed": "x"}}}, Named).startswith("parts.1.seed: input should be a valid integer")
    assert say({"codes": {"en": 3}}, Named).startswith("codes.en: input should be a valid string")


class Shapes(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    place: Annotated[Path, Field(strict=False)]
    one: Small = Small()
    either: Annotated[Small | Large, Field(discriminator="method")] = Small()
    parts: dict[str, Small] = {}
    codes: dict[str, str] = Field(default={}, examples=[{"en": "eng_Latn"}])
    items: list[str] = []
    free: dict[str, int] = {}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("one", True, "one: input should be a section of keys and values, as in {method: small}, found True"),
        ("either", 5, "either: input should be a section of keys and values, as in {method: small}, found 5"),
        ("parts", ["a"], "parts: input should be names with a value each, as in {NAME: {method: small}}, found ['a']"),
        ("codes", "en", "codes: input should be names with a value each, as in {en: eng_Latn}, found 'en'"),
        ("free", 3, "free: input should be names with a value each, as in {NAME: VALUE}, found 3"),
        ("items", 3, "items: input should be a list, as in [FIRST, SECOND], found 3"),
        ("place", 3, "place: input should be a path, found 3"),
        ("place", None, "place: input should be a path, found nothing (null); give a value"),
        (
            "items",
            None,
            "items: input should be a list, as in [FIRST, SECOND], found nothing (null); give a value, or ",
        ),
    ],
)
def test_another_shape_is_told_in_words_with_an_example(key: str, value: Any, message: str) -> None:
    found = say({"place": Path("x"), key: value}, Shapes)
    assert found.startswith(message)
    assert "dict" not in found
    assert found == message or value is None


class Joined(BaseModel):
    first: Small = Small()

    @model_validator(mode="after")
    def _check(self) -> "Joined":
        raise ValueError("these two do not go together")


class Holder(BaseModel):
    joined: Joined


def test_the_settings_of_a_section_are_not_repeated_behind_what_is_wrong_between_them() -> None:
    assert say({"joined": {"first": {"seed": 2}}}, Holder) == "joined: these two do not go together"


def test_a_method_that_another_section_has_is_told() -> None:
    found = say({"section": {"method": "adamw"}}, sections={"section": ["small"], "optimizer": ["adamw"]})
    assert found == (
        "section.method: 'adamw' is not known; it is a method of the section optimizer: set optimizer.method to it. "
        "Known here: small, large"
    )
    assert "did you mean large? Known here: small, large" in say({"section": {"method": "larg"}})


@pytest.mark.parametrize(
    ("key", "value", "advice"),
    [
        ("is_on", "yes", "; write true or false"),
        ("is_on", "maybe", "found 'maybe'"),
        ("name", 1.5, "; quote it where the word is meant, as in '1.5'"),
        ("name", True, "as in 'true'"),
    ],
)
def test_what_to_write_instead(key: str, value: Any, advice: str) -> None:
    assert say({"section": {"method": "large", key: value}}).endswith(advice)


def test_numbers_that_are_nearly_whole() -> None:
    assert say({"seed": 3.0}, Small).endswith("found 3.0; write 3")
    assert say({"seed": "0o17"}, Small).endswith(
        "write it as a plain decimal number, without quotes, leading zeros, _ or :"
    )


def test_errors_count_their_problems() -> None:
    bad = {"section": {"method": "small", "seed": "a", "step_size": -1.0}}
    assert str(refuse(fault(bad), "run.yaml", Whole)).splitlines()[0] == "run.yaml has 2 problems:"
    one = refuse(fault({}), "run.yaml", Whole)
    assert str(one) == "run.yaml has 1 problem:\n  section: field required"
    assert str(refuse_call(fault({"seed": "a"}, Small), Small)).startswith("Small.seed: ")
    assert str(refuse_call(fault(bad["section"], Small), Small)).startswith("Small has 2 problems:\n  Small.")


def test_settings_by_position_and_settings_that_change() -> None:
    assert "found 0.5 without one; write Small(step_size=0.5)" in describe_positional(Small, [0.5])
    assert "with one of its names: step_size, seed" in describe_positional(Small, ["text"])
    assert describe_positional(Small, [{}]).endswith("write Small(**settings) to give a dictionary's")
    assert "settings do not change; make others, as in Small(seed=…)" in describe_frozen(Small, "seed")
