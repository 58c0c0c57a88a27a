"""A section of a configuration whose class is chosen by the name of a kind in it, as the section's table has it."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field


def choice_of(classes: Mapping[str, type[BaseModel]], key: str, default: str | None = None) -> Any:
    """Make the type of a section that is of one of several classes.

    Args:
        classes: Name → class, in which the field `key` is a literal with that name.
        key: The setting that names the class.
        default: The name of the class of a section without `key`; None where a section must have it.
    """

    def name(content: Any) -> Any:
        return {key: default, **content} if default is not None and isinstance(content, dict) else content

    found = list(classes.values())
    if len(found) == 1:  # no union, of which pydantic would ask two
        return Annotated[found[0], BeforeValidator(name)]
    return Annotated[reduce(or_, found), Field(discriminator=key), BeforeValidator(name)]
