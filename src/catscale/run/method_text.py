"""Methods of a sweep in a few characters: `T=5`, `cats:alpha_lr=0.01`, `T=1+cats`, `cats_sampling`."""

import difflib
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from catscale.errors import ConfigError
from catscale.model.saved_config import PLAIN
from catscale.model.table import ARCHITECTURES
from catscale.run.config import RunConfig, parse_config
from catscale.run.sections import SECTIONS
from catscale.sampling.table import SAMPLERS
from catscale.settings.base import Settings
from catscale.settings.own_class import find_named
from catscale.settings.section import Section
from catscale.system.reading.yaml_file import parse_yaml

LONGEST = 150
"""Characters of the name of a method's folder."""
FORM = "T=5, cats, cats_sampling, cats:alpha_lr=0.01,inner_steps=5, T=1+cats, T=5+sam or my_module:MySampler:rate=0.3"
_OWN = re.compile(r"(?P<name>(?P<module>[A-Za-z_][\w.]*):[A-Za-z_]\w*)(?::(?P<rest>.*))?", re.DOTALL)
NAMED = {**SECTIONS, "model": Section(ARCHITECTURES, PLAIN, is_shared=True, key="architecture")}
"""The sections that a method may name a row of."""


def configure(config: RunConfig, method: str, seed: int) -> RunConfig:
    """Return the configuration of one run of a sweep: other methods and another seed, all else the same.

    A method is written as parts joined by `+`, at most one of each section of `NAMED`: a way of sampling, which is
    `T=NUMBER` or a sampler's name, a balancing method's name, an optimiser's, an architecture's. Settings follow a name
    after a colon, divided by commas, with YAML values. A class of the user's own, of sampling, balancing or optimizer,
    is `module:Class`, with settings as `module:Class:key=value`, where `module` is none of these names. What is not
    named is the configuration's own, but for the balancing method: without one, all tasks weigh the same (`fixed`). An
    optimiser keeps what the configuration's own has in common with it, the learning rate, its schedule and the like; so
    does an architecture, the sizes.

    Args:
        config: The configuration that all runs share.
        method: The method, as above.
        seed: `training.seed`.

    Raises:
        ConfigError: If the text names something unknown, or a setting is wrong.
    """
    content = config.model_dump(mode="json")
    content["balancing"] = {"method": "fixed"}
    sections = []
    for part in _split(method, "+"):
        section, chosen, settings = _parse_part(part.strip(), method)
        if section in sections:
            raise ConfigError(
                f"the method {method!r} names {section} twice; join at most one way of sampling, one balancing method, "
                "one optimizer and one architecture, as in T=1+cats"
            )
        sections.append(section)
        content[section] = NAMED[section].settings_kept_by(content[section], chosen) | settings
    content["training"]["seed"] = seed
    return parse_config(content, f"the method {method!r}")


def folder_name(method: str) -> str:
    """Return a name of a folder that tells the method: `T=1+cats:alpha_lr=0.01` → `T=1+cats_alpha_lr=0.01`.

    It holds ASCII letters, digits and `_.=+,-`; one that is too long for a file system ends in a checksum.
    """
    name = re.sub(r"[^A-Za-z0-9_.=+,-]", "_", method)
    return (
        name if len(name) <= LONGEST else f"{name[: LONGEST - 17]}-{hashlib.sha256(method.encode()).hexdigest()[:16]}"
    )


def _parse_part(part: str, method: str) -> tuple[str, type[Settings], dict[str, Any]]:
    """Return the section of the configuration that a part belongs to, the class of its settings, and its content."""
    temperature = re.fullmatch(r"[Tt]\s*=\s*(\S+)", part)
    if temperature:
        content = {"method": "temperature", "temperature": _value(temperature.group(1), method)}
        return "sampling", SAMPLERS["temperature"], content
    own = _OWN.fullmatch(part)
    if own and own["module"] not in _list_known():
        of_own, chosen = _find_own(own["name"], method)
        return of_own, chosen, {"method": own["name"], **_parse_settings(own["rest"] or "", method)}
    name, _, rest = part.partition(":")
    section = next((key for key, section in NAMED.items() if name in section.methods), None)
    if section is None:
        known = _list_known()
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"known are T=NUMBER, {', '.join(known)}."
        raise ConfigError(f"the method {method!r}: {name!r} is not known; {hint} Write it as in {FORM}")
    found = NAMED[section]
    return section, found.methods[name], {found.key: name, **_parse_settings(rest, method)}


def _list_known() -> list[str]:
    return [name for section in NAMED.values() for name in section.methods]


def _find_own(name: str, method: str) -> tuple[str, type[Settings]]:
    """Return the section that a class of the user's own belongs to, and the class.

    Raises:
        ConfigError: If there is no such class, or none of a section.
    """
    bases = {key: section.own for key, section in NAMED.items() if section.own is not None}
    try:
        found = find_named(name)
        fitting = [key for key, base in bases.items() if isinstance(found, type) and issubclass(found, base)]
        if not fitting:
            listed = " or ".join(f"{base.__module__}.{base.__name__}" for base in bases.values())
            raise ValueError(f"{name} must be a class that derives from {listed}; derive it")
        return fitting[0], found
    except ValueError as error:
        raise ConfigError(
            f"the method {method!r}: {error}; or name one of T=NUMBER, {', '.join(_list_known())}"
        ) from None


def _parse_settings(text: str, method: str) -> Mapping[str, Any]:
    settings: dict[str, Any] = {}
    for item in _split(text, ",") if text else []:
        key, equals, value = (piece.strip() for piece in item.partition("="))
        if not equals or not key or key in ("method", "architecture") or key in settings:
            raise ConfigError(
                f"the method {method!r}: settings are key=value, divided by commas, each once; found {item!r}; "
                f"write it as in {FORM}"
            )
        settings[key] = _value(value, method)
    return settings


def _split(text: str, separator: str) -> list[str]:
    """Cut at the separators that stand outside of brackets: values may be lists and mappings, and 1e+3 a number."""
    parts, depth = [""], 0
    for index, character in enumerate(text):
        depth += (character in "[{") - (character in "]}")
        in_number = separator == "+" and re.search(r"\d[eE]$", text[:index]) is not None
        if character == separator and depth == 0 and not in_number:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _value(text: str, method: str) -> Any:
    try:
        return parse_yaml(text)
    except ValueError as error:
        raise ConfigError(f"the method {method!r}: the value {text!r} is not valid YAML: {error}") from error
