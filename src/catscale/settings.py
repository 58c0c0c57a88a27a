"""The base of every configuration class."""

from pydantic import BaseModel, ConfigDict, Strict

READ_AS = Strict(False)
"""Marks a tuple, which is written as a list, and a path, which is written as text; their parts stay strict."""
STEPS = 1_000_000_000
"""Steps of a training, and whatever is counted in them."""
LARGE = 1e30
"""The largest number where a scale is free: squared, it is still finite in float64."""


class Settings(BaseModel):
    """A frozen group of settings: unknown keys are errors, and so are values of another type.

    Nothing is converted: a truth value is no number, a text in quotes is none either, and 3.0 is no whole number. A
    whole number is accepted where a number is asked for. Numbers are finite.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, strict=True, allow_inf_nan=False)
