"""A section of a configuration whose class is chosen by the name of a kind in it, as the section's table has it."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

NONE: Mapping[str, str] = MappingProxyType({})


def choice_of(
    classes: Mapping[str, type[BaseModel]], key: str, default: str | None = None, implied: Mapping[str, str] = NONE
) -> Any:
    """Make the type of a section that is of one of several classes.

    Args:
        classes: Name → class, in which the field `key` is a literal with that name.
        key: The setting that names the class.
        default: The name of the class of a section without `key`; None where a section must have it.
        implied: Another setting → the name of the class of a section that has that setting, and no `key`.
    """

    def name(content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        chosen = next((found for setting, found in implied.items() if setting in content), default)
        return content if chosen is None else {key: chosen, **content}

    found = list(classes.values())
    if len(found) == 1:  # no union, of which pydantic would ask two
        return Annotated[found[0], BeforeValidator(name)]
    return Annotated[reduce(or_, found), Field(discriminator=key), BeforeValidator(name)]
