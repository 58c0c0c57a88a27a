"""Settings that are another section's now: earlier versions wrote them elsewhere, and they are still read."""

from collections.abc import Collection, Iterable
from typing import Any

from catscale.errors import ConfigError

MOVED = {
    "training.learning_rate": "optimizer.learning_rate",
    "training.warmup_steps": "optimizer.warmup_steps",
    "training.betas": "optimizer.betas",
    "training.adam_epsilon": "optimizer.epsilon",
    "training.weight_decay": "optimizer.weight_decay",
    "training.clip_norm": "optimizer.clip_norm",
    "model.gradient_checkpointing": "training.gradient_checkpointing",
}
"""The old names and those of today."""


def move_settings(content: dict[str, Any], origin: str) -> list[str]:
    """Put the settings of an earlier version in their places, in the content of a configuration itself.

    Args:
        content: As read from YAML; what has another form than a configuration is left for its check.
        origin: Named in errors.

    Returns:
        The old keys that were found.

    Raises:
        ConfigError: If a setting is given in both places.
    """
    found = []
    for old, new in MOVED.items():
        (section, key), (home, name) = old.split("."), new.split(".")
        before, after = content.get(section), content.get(home, {})
        if not isinstance(before, dict) or not isinstance(after, dict) or key not in before:
            continue
        if name in after:
            raise ConfigError(
                f"{origin}: {old} is an earlier name of {new}, and both are given, found {before[key]!r} and "
                f"{after[name]!r}; leave out {old}"
            )
        content[section] = {other: value for other, value in before.items() if other != key}
        content[home] = {**after, name: before[key]}
        found.append(old)
    return found


def rename_override(override: str) -> str:
    """Return a `KEY=VALUE` of an earlier version under the key's new name, others as they are.

    Example:
        >>> rename_override("training.adam_epsilon=1e-8"), rename_override("training.seed=2")
        ('optimizer.epsilon=1e-8', 'training.seed=2')
    """
    key, equals, value = override.partition("=")
    return f"{MOVED.get(key, key)}{equals}{value}"


def check_overrides(overrides: Collection[str]) -> None:
    """Check that no setting is given under both of its names.

    Raises:
        ConfigError: If one is.
    """
    keys = {override.partition("=")[0] for override in overrides}
    for old, new in MOVED.items():
        if {old, new} <= keys:
            raise ConfigError(f"--set: {old} is an earlier name of {new}, and both are given; leave out {old}")


def describe_move(origin: str, keys: Iterable[str]) -> str:
    """Return the line that names the new places.

    Args:
        origin: The place of the old keys.
        keys: Old ones, as in `training.betas`.

    Example:
        >>> describe_move("my.yaml", ["training.adam_epsilon"])
        'warning: my.yaml: training.adam_epsilon is now optimizer.epsilon; the old name is read until version 0.3'
    """
    found = list(dict.fromkeys(keys))
    names = ", ".join(f"{key} is now {MOVED[key]}" for key in found)
    return f"warning: {origin}: {names}; the old name{'s are' if len(found) > 1 else ' is'} read until version 0.3"
