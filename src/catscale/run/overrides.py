"""`--set KEY=VALUE`: settings given on the command line."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from catscale.errors import ConfigError
from catscale.settings.section import Section
from catscale.system.reading.yaml_file import parse_yaml

PLAIN = Section({})
"""A section of which nothing is known."""


def apply_overrides(
    content: dict[str, Any], overrides: Sequence[str], sections: Mapping[str, Section] = MappingProxyType({})
) -> None:
    """Set dotted keys in the content of a configuration, in place.

    Args:
        content: The content as read from YAML.
        overrides: `key=value` with a dotted key and a YAML value, as in `training.seed=2`.
        sections: The sections whose settings are a method's; another method drops the settings of the one before, but
            for those that both share.

    Raises:
        ConfigError: If one has no such form.
    """
    # A method comes first, whatever the order: switching it drops the settings of the other, not those given here.
    for override in sorted(overrides, key=lambda text: not text.partition("=")[0].endswith(".method")):
        _apply(content, override, sections)


def _apply(content: dict[str, Any], override: str, sections: Mapping[str, Section]) -> None:
    """Set one dotted key."""
    key, separator, text = override.partition("=")
    if not separator or not all(key.split(".")):
        raise ConfigError(f"--set needs key=value, as in training.seed=2; found {override!r}")
    try:
        value = parse_yaml(text)
    except ValueError as error:
        raise ConfigError(f"--set {override!r}: the value is not valid YAML: {error}") from error
    *groups, last = key.split(".")
    for group in groups:
        inner = content.get(group)
        if inner is not None and not isinstance(inner, dict):
            raise ConfigError(f"--set {override!r}: {group!r} is a single value and has no keys")
        content[group] = content = dict(inner or {}) if inner is None else inner
    section = sections.get(".".join(groups), PLAIN)
    unnamed = section.default if content else None
    if last == "method" and content.get("method", unnamed) not in (None, value):
        kept = section.settings_kept(content, value)
        content.clear()  # settings of another method would be unknown keys
        content.update(kept)
    content[last] = value
