"""A section of a configuration whose class is chosen by the name of a kind in it, as the section's table has it."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, SerializeAsAny, ValidationInfo, WrapValidator

from catscale.settings.own_class import is_own, read_own

NONE: Mapping[str, str] = MappingProxyType({})
as_what_it_is: Any = SerializeAsAny
"""Writes a section with the settings of its own class, whatever classes its type names."""


def choice_of(
    classes: Mapping[str, type[BaseModel]],
    key: str,
    default: str | None = None,
    implied: Mapping[str, str] = NONE,
    own: type[BaseModel] | None = None,
) -> Any:
    """Make the type of a section that is of one of several classes.

    Args:
        classes: Name → class, in which the field `key` is a literal with that name.
        key: The setting that names the class.
        default: The name of the class of a section without `key`; None where a section must have it.
        implied: Another setting → the name of the class of a section that has that setting, and no `key`.
        own: The base of classes of the user's own, which a section may name as `module:Class`; None where none may be.
    """

    def name(content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        chosen = next((found for setting, found in implied.items() if setting in content), default)
        return content if chosen is None else {key: chosen, **content}

    found = list(classes.values())
    if len(found) == 1:  # no union, of which pydantic would ask two
        return Annotated[found[0], BeforeValidator(name)]
    table: Any = Annotated[reduce(or_, found), Field(discriminator=key), BeforeValidator(name)]
    if own is None:
        return table

    def choose(content: Any, read_table: Any, info: ValidationInfo) -> Any:
        if isinstance(content, BaseModel) and is_own(content.model_dump().get(key)):
            return content
        is_named = isinstance(content, dict) and is_own(content.get(key))
        return read_own(content, own, info.context) if is_named else read_table(content)

    return Annotated[table, as_what_it_is(), WrapValidator(choose)]
