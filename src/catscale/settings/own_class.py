"""A user's own class, which a section of a configuration names as `module:Class`.

A module is imported only where whoever reads the settings says so, with the context `OWN`: where a user's own
configuration is read. Everywhere else, as from the record of a run, which may be somebody else's, the section is kept
as it is written, and nothing is imported.
"""

import re
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from catscale.errors import ConfigError
from catscale.settings.base import Settings
from catscale.settings.problems import explain

OWN: dict[str, bool] = {"own": True}
"""The context of a validation that imports the classes that the settings name."""
NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class RecordedChoice(Settings):
    """A section that names a class which was not imported; any setting.

    Attributes:
        method: The name, as `module:Class`.
    """

    model_config = ConfigDict(extra="allow")
    method: str

    @property
    def name(self) -> str:
        """The name, as it is written."""
        return self.method

    def for_training(self, steps: int) -> Self:
        """Return the same: what followed from the length of the training is filled in already."""
        return self

    def __getattr__(self, name: str) -> Any:
        """Say why there is no more of it.

        Raises:
            ConfigError: Always, but for names that begin with an underscore.
        """
        if name.startswith("_"):
            return super().__getattribute__(name)
        raise ConfigError(
            f"{self.__dict__['method']} is a class of the user's own, and the record of a run is not followed to code; "
            "give the configuration that the run was started with"
        )


def is_own(name: object) -> bool:
    """Return whether the name of a method is that of a user's own class.

    >>> is_own("my_module:MySampler"), is_own("cats")
    (True, False)
    """
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def read_own(content: Any, base: type[BaseModel], context: Any) -> Any:
    """Make the settings of a section that names a user's own class.

    Args:
        content: The section's, with the name as `method`.
        base: The class that it must derive from.
        context: The context of the validation.

    Raises:
        ValueError: If there is no such class, or a setting is wrong.
    """
    if context is not OWN:
        return RecordedChoice.model_validate(content)
    chosen = import_class(content["method"], base)
    try:
        return chosen.model_validate(content, context=context)
    except ValidationError as error:
        raise ValueError("; ".join(explain(dict(each), chosen) for each in error.errors())) from None


@cache
def import_class(name: str, base: type[BaseModel]) -> type[BaseModel]:
    """Import a class, and return one like it whose `method` is the name that it was imported by.

    Args:
        name: `module:Class`.
        base: The class that it must derive from.

    Raises:
        ValueError: If there is no such class, or it lacks a part.
    """
    found = find_named(name)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ValueError(f"{name} must be a class that derives from {base.__module__}.{base.__name__}; derive it")
    if lacking := sorted(getattr(found, "__abstractmethods__", ())):
        raise ValueError(f"{name} lacks {', '.join(lacking)}, which {base.__module__}.{base.__name__} asks for; add it")
    literal: Any = Literal
    made: type[BaseModel] = create_model(
        found.__name__, __base__=found, __module__=found.__module__, method=(literal[name], name)
    )
    return made


def find_named(name: str) -> Any:
    """Import a module, and return what it has under a name.

    Modules are looked for where Python looks, and then in the working directory.

    Args:
        name: `module:NAME`.

    Raises:
        ValueError: If there is no such module, or nothing of that name in it.
    """
    module, _, own = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        return getattr(import_module(module), own)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ValueError(
            f"{name} cannot be imported ({error}); put the module into the working directory, or install it"
        ) from error
