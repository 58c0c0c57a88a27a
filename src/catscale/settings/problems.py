"""Faults of settings, in words: one line for each of pydantic's problems."""

import difflib
import re
import reprlib
import types
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from catscale.errors import ConfigError
from catscale.settings.shapes import NAMES, describe_shape

SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = SHORT.maxlong = 80
SHORT.maxlevel = 3

PLAIN = ("yes", "no", "on", "off", "true", "false")
"""Words that are meant as true or false where only these are allowed."""


def shorten(value: Any) -> str:
    """Return a value for a message, of bounded length: aliases make a few lines of YAML a value that fills the
    memory."""
    text = SHORT.repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def refuse(
    error: ValidationError,
    origin: str,
    root: type[BaseModel],
    sections: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> ConfigError:
    """Make the error that names every wrong setting.

    Args:
        error: Pydantic's.
        origin: The source of the settings.
        root: The settings class that was validated.
        sections: Section → the methods that it may name.
    """
    lines = [explain(dict(problem), root, sections) for problem in error.errors()]
    listed = "\n".join(f"  {line}" for line in lines)
    return ConfigError(f"{origin} has {len(lines)} problem{'s' * (len(lines) > 1)}:\n{listed}")


def refuse_call(error: ValidationError, called: type[BaseModel]) -> ConfigError:
    """Make the error that names every wrong setting of a class that was called with them.

    Args:
        error: Pydantic's.
        called: The settings class.
    """
    lines = [explain(dict(problem), called, called=called.__name__) for problem in error.errors()]
    if len(lines) == 1:
        return ConfigError(lines[0])
    return ConfigError(f"{called.__name__} has {len(lines)} problems:\n" + "\n".join(f"  {line}" for line in lines))


def explain(
    problem: Mapping[str, Any],
    root: type[BaseModel],
    sections: Mapping[str, Collection[str]] = MappingProxyType({}),
    called: str = "",
) -> str:
    """Say in one line what is wrong with a setting: the key, what was found, what is allowed.

    Args:
        problem: One of pydantic's.
        root: The settings class that was validated.
        sections: Section → the methods that it may name.
        called: Name of the class where it was called; empty where the settings come from a configuration.
    """
    location = [str(part) for part in problem["loc"]]
    models = list(_models_along(root, location))
    keys = [part for part, model in models if model is not _TAG]
    name = ".".join([called, *keys] if called else keys)
    if problem["type"] == "extra_forbidden":
        owner = models[-1][1]
        if (said := getattr(owner, "absent", {}).get(keys[-1])) is not None:
            return f"{name}: unknown key; {said}"
        has_keys = isinstance(owner, type) and issubclass(owner, BaseModel)
        known = [field.alias or key for key, field in owner.model_fields.items()] if has_keys else []
        near = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return f"{name}: unknown key; {hint}"
    if problem["type"] == "union_tag_invalid":
        return _explain_name(name, problem["ctx"], sections)
    setting = _setting_at(root, location)
    said = describe_shape(problem["type"], setting.classes, setting.entries, setting.examples)
    message = said or _lower(problem["msg"].removeprefix("Value error, "))
    is_said = problem["type"] == "missing" or (not keys and "found" in message)
    is_section = problem["type"] == "value_error" and bool(setting.classes) and isinstance(problem["input"], Mapping)
    is_empty = problem.get("input") is None and not called
    found = "" if is_said or (is_section and keys) else f", found {shorten(problem['input'])}"
    if is_empty and found:
        found = f", found nothing (null); give a value{'' if setting.is_required else ', or leave it out'}"
    hint = _hint(str(problem["type"]), problem.get("input"))
    return f"{name or 'configuration'}: {message}{found}{hint}"


def _explain_name(section: str, context: Mapping[str, str], sections: Mapping[str, Collection[str]]) -> str:
    """Explain that a section lacks a method or a kind: name the nearest one, or the section that has it."""
    key, found = context["discriminator"].strip("'"), context["tag"]
    known = re.findall(r"'([^']*)'", context["expected_tags"])
    elsewhere = next((key for key, names in sections.items() if key != section and found in names), None)
    near = difflib.get_close_matches(found, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    if elsewhere is not None:
        hint = f"it is a method of the section {elsewhere}: set {elsewhere}.method to it. "
    return f"{section}.{key}: {shorten(found)} is not known; {hint}Known here: {', '.join(known)}"


def _hint(kind: str, found: Any) -> str:
    """Return what to write instead, if a value of another type looks like what was meant."""
    if kind == "string_type" and isinstance(found, bool | int | float):
        return f"; quote it where the word is meant, as in '{str(found).lower()}'"
    if kind == "bool_type" and isinstance(found, str) and found.lower() in PLAIN:
        return "; write true or false"
    if kind == "int_type" and isinstance(found, float) and found.is_integer() and abs(found) < 2**63:
        return f"; write {int(found)}"
    if kind in ("int_type", "float_type") and isinstance(found, str) and re.fullmatch(r"[-+]?[0-9][0-9_:.bo]*", found):
        return "; write it as a plain decimal number, without quotes, leading zeros, _ or :"
    return ""


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


class _TAG:
    """Marks a location part that names a variant of a union, not a key."""


@dataclass(frozen=True)
class _Setting:
    """The setting at a location.

    Attributes:
        classes: The settings classes that it admits.
        entries: The settings classes that the values of a mapping admit.
        examples: Its values, as its field gives them.
        is_required: Whether its class needs it.
    """

    classes: Sequence[type[BaseModel]] = ()
    entries: Sequence[type[BaseModel]] = ()
    examples: Sequence[Any] = ()
    is_required: bool = False


def _setting_at(root: type[BaseModel], location: Sequence[str]) -> _Setting:
    """Find the setting at an error's location; an empty one where the location leads to none."""
    annotation: Any = root
    field = None
    for part, owner in _models_along(root, location):
        if owner is _TAG:
            annotation = next(one for one in _variants(annotation) if part in _names(one))
            continue
        field = owner.model_fields.get(part) if owner is not None else None
        inner = _items(annotation) if part.isdigit() else _values(annotation)
        annotation = inner if owner is None else None if field is None else field.annotation
    examples = field.examples or () if field is not None else ()
    entries = _variants(_values(annotation))
    return _Setting(_variants(annotation), entries, examples, field is not None and field.is_required())


def _models_along(model: Any, location: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield each part of an error's location with the settings class that it is a key of."""
    current: Any = model
    for part in location:
        if (items := _items(current) if part.isdigit() else _values(current)) is not None:
            yield part, None
            current = items
            continue
        variants = _variants(current)
        tagged = [variant for variant in variants if part in _names(variant)]
        if len(variants) > 1 and tagged:
            yield part, _TAG
            current = tagged[0]
            continue
        owner = variants[0] if variants else None
        yield part, owner
        field = owner.model_fields.get(part) if owner is not None else None
        current = field.annotation if field is not None else None


def _names(variant: type[BaseModel]) -> set[str]:
    """Return the name that tells a class apart from the others of its section."""
    return {variant.model_fields[key].default for key in NAMES if key in variant.model_fields}


def _variants(annotation: Any) -> list[type[BaseModel]]:
    """Return the settings classes that a type annotation admits."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = get_origin(annotation)
    if origin is Annotated:
        return _variants(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [model for arg in get_args(annotation) for model in _variants(arg)]
    return []


def _items(annotation: Any) -> Any:
    """Return the type of a list's elements, if a type annotation admits a list."""
    if get_origin(annotation) is list:
        return get_args(annotation)[0]
    inner = get_args(annotation) if get_origin(annotation) in (Annotated, Union, types.UnionType) else ()
    return next((items for arg in inner if (items := _items(arg)) is not None), None)


def _values(annotation: Any) -> Any:
    """Return the type of a mapping's values, if a type annotation is one of settings."""
    values = get_args(annotation)[1] if get_origin(annotation) is dict else None
    return values if _variants(values) else None


def describe_positional(called: type[BaseModel], arguments: Sequence[Any]) -> str:
    """Say what to write where settings were given without their names.

    Args:
        called: The settings class.
        arguments: The arguments of the call, at least one.
    """
    first, name = arguments[0], called.__name__
    found = f"{name} takes its settings by name, found {shorten(first)} without one"
    if isinstance(first, Mapping):
        return f"{found}; write {name}(**settings) to give a dictionary's"
    settings = [key for key in called.model_fields if key not in NAMES]
    fitting = [key for key in settings if _takes(called, key, first)]
    if len(fitting) == 1:
        return f"{found}; write {name}({fitting[0]}={shorten(first)})"
    if not settings:
        return f"{found}; it has none, write {name}()"
    return (
        f"{found}; write {name}({(fitting or settings)[0]}=…), with one of its names: {', '.join(fitting or settings)}"
    )


def describe_frozen(called: type[BaseModel], key: str) -> str:
    """Say what to write where a setting of an instance was to be changed.

    Args:
        called: Its settings class.
        key: The setting.
    """
    name = called.__name__
    return f"{name}.{key} cannot be set: settings do not change; make others, as in {name}({key}=…)"


def _takes(called: type[BaseModel], key: str, value: Any) -> bool:
    """Return whether a setting may have a value."""
    try:
        called.model_validate({key: value})
    except ValidationError as error:
        return all(problem["loc"][:1] not in ((key,), ()) for problem in error.errors())
    return True
