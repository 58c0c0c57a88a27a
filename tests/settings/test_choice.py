"""A section whose class the name of a kind chooses."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from catscale.settings.choice import choice_of


class Sweet(BaseModel):
    kind: Literal["sweet"] = "sweet"
    sugar: int = 1


class Sour(BaseModel):
    kind: Literal["sour"] = "sour"
    acid: int = 2


BOTH: TypeAdapter[Any] = TypeAdapter(choice_of({"sweet": Sweet, "sour": Sour}, "kind", "sour"))
ONE: TypeAdapter[Any] = TypeAdapter(choice_of({"sweet": Sweet}, "kind", "sweet"))


def test_the_name_chooses_and_the_default_is_for_a_section_without_one() -> None:
    assert BOTH.validate_python({"kind": "sweet", "sugar": 5}) == Sweet(sugar=5)
    assert BOTH.validate_python({"acid": 7}) == Sour(acid=7)
    assert BOTH.validate_python({}) == Sour()


def test_settings_are_taken_as_they_are_and_nothing_is_written_into_a_dictionary() -> None:
    content = {"acid": 3}
    assert BOTH.validate_python(content) == Sour(acid=3)
    assert content == {"acid": 3}
    assert BOTH.validate_python(Sweet(sugar=4)) == Sweet(sugar=4)


def test_a_table_of_one_class_needs_no_union() -> None:
    assert ONE.validate_python({"sugar": 2}) == Sweet(sugar=2)
    with pytest.raises(ValidationError, match=r"(?s)kind.*Input should be 'sweet'"):
        ONE.validate_python({"kind": "sour"})


def test_a_setting_may_imply_the_class_that_has_it() -> None:
    kinds = choice_of({"sweet": Sweet, "sour": Sour}, "kind", "sour", {"sugar": "sweet"})
    implied: TypeAdapter[Any] = TypeAdapter(kinds)
    assert implied.validate_python({"sugar": 3}) == Sweet(sugar=3)
    assert implied.validate_python({"acid": 3}) == Sour(acid=3)
    assert implied.validate_python({"kind": "sour", "sugar": 3}) == Sour(), "a name that is given counts"


def test_a_name_that_is_not_in_the_table_names_those_that_are() -> None:
    with pytest.raises(ValidationError, match=r"'salt' .* does not match any of the expected tags: 'sweet', 'sour'"):
        BOTH.validate_python({"kind": "salt"})
    with pytest.raises(ValidationError, match=r"valid dictionary"):
        BOTH.validate_python(3)
