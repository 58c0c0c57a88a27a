"""Refusals of wrong arguments of the library, with advice on what to write instead."""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from catscale.errors import ConfigError
from catscale.system.named import suggest


def require_settings(found: Any, needed: Iterable[str], what: str, example: str, table: Mapping[str, type]) -> None:
    """Refuse what is no instance of a method's or sampler's settings.

    Args:
        found: The wrong argument.
        needed: Names that it must have.
        what: The kind of thing that it is to be, as in "balancing method".
        example: Code that makes one.
        table: Classes by name.

    Raises:
        ConfigError: Saying what to write.
    """
    if isinstance(found, type):
        raise ConfigError(
            f"the {what} must be an instance with its settings, found the class {found.__name__}; write "
            f"{found.__name__}()"
        )
    if isinstance(found, str):
        raise ConfigError(
            f"the {what} must be an instance with its settings, such as {example}, found the name {found!r}; write "
            f"{'SAMPLERS' if what == 'sampler' else 'METHODS'}[{found!r}]()"
            + ("" if found in table else f", with one of its names: {suggest(found, table)}")
        )
    missing = [name for name in needed if name not in dir(found)]  # `hasattr` would run properties
    if missing:
        raise ConfigError(
            f"the {what} must be an instance with its settings, such as {example}, found {describe(found)}, which "
            f"lacks {', '.join(missing)}; see the contract for one of your own"
        )


def describe(found: object) -> str:
    """Name a thing's kind in an error."""
    if isinstance(found, Tensor):
        return f"a tensor of shape {tuple(found.shape)}"
    if isinstance(found, str | int | float | None):
        return repr(found)
    return f"a {type(found).__name__}"
