"""The shape that a setting has where something of another shape was given: in words, with an example."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

SECTIONS = ("model_type", "model_attributes_type")
TABLES = ("dict_type", "mapping_type")
LISTS = ("list_type", "tuple_type")
NAMES = ("method", "kind", "architecture")
"""Keys that tell the classes of a section apart, and make the best example of one."""
UNTOLD = "…"


def describe_shape(
    kind: str, classes: Sequence[type[BaseModel]], entries: Sequence[type[BaseModel]], examples: Sequence[Any]
) -> str:
    """Say which shape is allowed.

    Args:
        kind: Pydantic's name of the problem.
        classes: The settings classes that the setting admits.
        entries: The settings classes that the values of a mapping admit.
        examples: Values that the setting may have, as its field gives them.

    Returns:
        The words; empty where the problem is not one of shape.
    """
    shown = f", as in {write(examples[0])}" if examples else ""
    if kind in SECTIONS and classes:
        return f"input should be a section of keys and values{shown or f', as in {exemplify(classes[0])}'}"
    if kind in TABLES:
        entry = exemplify(entries[0]) if entries else "VALUE"
        return f"input should be names with a value each{shown or f', as in {{NAME: {entry}}}'}"
    if kind in LISTS:
        return f"input should be a list{shown or ', as in [FIRST, SECOND]'}"
    return "input should be a path" if kind == "path_type" else ""


def exemplify(settings: type[BaseModel]) -> str:
    """Return one setting of a class as it is written: one whose field has an example, or its name, or the
    first.

    >>> class Loud(BaseModel):
    ...     method: str = "loud"
    >>> exemplify(Loud)
    '{method: loud}'
    """
    if not settings.model_fields:
        return "{}"
    shown = [key for key, field in settings.model_fields.items() if field.examples]
    key = next(iter([*shown, *(key for key in NAMES if key in settings.model_fields), *settings.model_fields]))
    field = settings.model_fields[key]
    value = field.examples[0] if field.examples else field.default
    return f"{{{field.alias or key}: {write(value) if isinstance(value, str | int | float) else UNTOLD}}}"


def write(value: Any) -> str:
    """Return a value as a line of YAML has it.

    >>> write({"tyv": {"tag": "tyv_Cyrl"}}), write(["encoder"]), write(True)
    ('{tyv: {tag: tyv_Cyrl}}', '[encoder]', 'true')
    """
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {write(entry)}' for key, entry in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
