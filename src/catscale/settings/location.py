"""Paths in a configuration: `${NAME}`, `${NAME:-default}` and `~`, and which unset variables a path depends on."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, ValidationInfo

from catscale.settings.base import READ_AS

VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
LITERAL: dict[str, bool] = {"literal": True}
"""The context of a validation in which paths mean what they say."""

if TYPE_CHECKING:
    PlatformPath = Path
else:
    PlatformPath = type(Path())  # Path itself cannot be derived from before Python 3.12


class DefaultedPath(PlatformPath):
    """A path of which the default of an environment variable gave a part, since the variable is not set.

    It equals the plain path, and differs from it in that messages can name the variables.

    Attributes:
        variables: Names of the variables whose defaults were taken.
    """

    variables: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: str | Path, variables: Sequence[str]) -> Self:
        """Make the path that remembers these variables."""
        made = cls(path)
        made.variables = tuple(variables)
        return made

    def absolute(self) -> Self:
        """Return the absolute path, which remembers the same variables."""
        return type(self).of(Path(self).absolute(), self.variables)


def unset_variables(path: Path) -> tuple[str, ...]:
    """Return the names of the environment variables that are not set and whose defaults gave a part of a path.

    >>> unset_variables(Path("corpora"))
    ()
    """
    return path.variables if isinstance(path, DefaultedPath) else ()


def expand_environment(value: Any) -> Any:
    """Replace `${NAME}` and `${NAME:-default}` in a path that is given as text, and a leading `~`.

    Returns:
        Text; a DefaultedPath if the default of a variable was taken; what is no text as it is.

    Raises:
        ValueError: If a variable without a default is not set.
    """
    if not isinstance(value, str):
        return value
    defaulted: list[str] = []

    def replace(match: re.Match[str]) -> str:
        name, default = match.groups()
        text = os.environ.get(name) or default
        if text is None:
            raise ValueError(
                f"the environment variable {name} is not set, which {value!r} needs; "
                f"set it, or give a default as in ${{{name}:-folder}}"
            )
        if not os.environ.get(name):
            defaulted.append(name)
        return str(text)

    expanded = os.path.expanduser(VARIABLE.sub(replace, value))
    return DefaultedPath.of(expanded, defaulted) if defaulted else expanded


def _locate(value: Any, info: ValidationInfo) -> Any:
    """Expand what a user wrote; what a run's folder says is taken as it is, since it may come from somebody else."""
    return value if info.context is LITERAL else expand_environment(value)


Location = Annotated[Path, READ_AS, BeforeValidator(_locate)]
"""A path of a configuration."""
