"""The base of every configuration class."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Strict, ValidationError

from catscale.errors import ConfigError
from catscale.settings.problems import describe_frozen, describe_positional, refuse_call

READ_AS = Strict(False)
"""Marks a tuple, which is written as a list, and a path, which is written as text; their parts stay strict."""
STEPS = 1_000_000_000
"""Steps of a training, and whatever is counted in them."""
LARGE = 1e30
"""The largest number where a scale is free: squared, it is still finite in float64."""


if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _Called(ModelMetaclass):
    """Answers a class called with wrong settings in our words; what is read from files does not come this way."""

    def __call__(self: Any, *arguments: Any, **settings: Any) -> Any:
        if arguments:
            raise ConfigError(describe_positional(self, arguments))
        try:
            return super().__call__(**settings)
        except ValidationError as error:
            raise refuse_call(error, self) from None


class Settings(BaseModel, metaclass=_Called):
    """A frozen group of settings: unknown keys are errors, and so are values of another type.

    A class that is called with wrong settings raises ConfigError, which names the class and every wrong one.

    Nothing is converted: a truth value is no number, a text in quotes is none either, and 3.0 is no whole number. A
    whole number is accepted where a number is asked for. Numbers are finite.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, strict=True, allow_inf_nan=False)
    absent: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Keys that a reader may look for here in vain, and what to say of each."""

    if not TYPE_CHECKING:  # a type checker knows that they are frozen

        def __setattr__(self, name: str, value: object) -> None:
            try:
                super().__setattr__(name, value)
            except ValidationError as error:
                raise ConfigError(describe_frozen(type(self), name)) from error
