"""Settings of `training` that are `optimizer`'s now: version 0.1 wrote them there, and they are still read."""

from collections.abc import Collection, Iterable
from typing import Any

from catscale.errors import ConfigError

SECTION, HOME = "training", "optimizer"
MOVED = {
    "learning_rate": "learning_rate",
    "warmup_steps": "warmup_steps",
    "betas": "betas",
    "adam_epsilon": "epsilon",
    "weight_decay": "weight_decay",
    "clip_norm": "clip_norm",
}
"""The old keys of `training`, and their names under `optimizer`."""


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
    before, after = content.get(SECTION), content.get(HOME, {})
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    found = [key for key in MOVED if key in before]
    if not found:
        return []
    if both := [key for key in found if MOVED[key] in after]:
        raise ConfigError(
            f"{origin}: {SECTION}.{both[0]} is an earlier name of {HOME}.{MOVED[both[0]]}, and both are given, found "
            f"{before[both[0]]!r} and {after[MOVED[both[0]]]!r}; leave out {SECTION}.{both[0]}"
        )
    content[SECTION] = {key: value for key, value in before.items() if key not in found}
    content[HOME] = {**after, **{MOVED[key]: before[key] for key in found}}
    return [f"{SECTION}.{key}" for key in found]


def rename_override(override: str) -> str:
    """Return a `KEY=VALUE` of an earlier version under the key's new name, others as they are.

    Example:
        >>> rename_override("training.adam_epsilon=1e-8"), rename_override("training.seed=2")
        ('optimizer.epsilon=1e-8', 'training.seed=2')
    """
    key, equals, value = override.partition("=")
    section, _, name = key.partition(".")
    return f"{HOME}.{MOVED[name]}{equals}{value}" if section == SECTION and name in MOVED else override


def check_overrides(overrides: Collection[str]) -> None:
    """Check that no setting is given under both of its names.

    Raises:
        ConfigError: If one is.
    """
    keys = {override.partition("=")[0] for override in overrides}
    for old, new in MOVED.items():
        if {f"{SECTION}.{old}", f"{HOME}.{new}"} <= keys:
            raise ConfigError(
                f"--set: {SECTION}.{old} is an earlier name of {HOME}.{new}, and both are given; leave out "
                f"{SECTION}.{old}"
            )


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
    names = ", ".join(f"{key} is now {HOME}.{MOVED[key.partition('.')[2]]}" for key in found)
    return f"warning: {origin}: {names}; the old name{'s are' if len(found) > 1 else ' is'} read until version 0.3"
