"""Grouping of runs that differ only in their seed."""

from collections.abc import Mapping, Sequence
from typing import Any

from catscale.comparison.comparable import BUDGET
from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.naming import SEED, has_plain_weights, name_methods, name_optimizer
from catscale.comparison.result import ComparedMethod
from catscale.errors import ConfigError
from catscale.model.saved_config import PLAIN
from catscale.sampling.replay import REPLAY
from catscale.training.config import RESUMABLE

NO_MATTER = RESUMABLE.difference(BUDGET)
"""Settings of `training` that alter no result."""


def group_runs(runs: Sequence[EvaluatedRun]) -> tuple[list[ComparedMethod], list[list[int]]]:
    """Put runs that differ only in their seed together; those that have a name of their own apart from others.

    Args:
        runs: Evaluated runs.

    Returns:
        The methods, plain temperatures first, ascending, the others in the order given; and the places of each
        one's runs in `runs`, by ascending seed.

    Raises:
        ConfigError: If runs of one name differ in more than their seed, or a name is that of another method.
    """
    flat = [list_deciding_settings(run.config) | {"data": run.fingerprint[:8]} for run in runs]
    settings = [tuple((key, repr(value)) for key, value in sorted(f.items()) if key != SEED) for f in flat]
    keys = [(run.name, found) for run, found in zip(runs, settings, strict=True)]
    members = [[i for i, key in enumerate(keys) if key == found] for found in dict.fromkeys(keys)]
    members = [sorted(group, key=lambda i: runs[i].seed) for group in members]
    names = _name_groups([runs[group[0]] for group in members], [flat[group[0]] for group in members])
    methods = [
        ComparedMethod(
            name, [runs[i].seed for i in group], [str(runs[i].folder) for i in group], plain_temperature(flat[group[0]])
        )
        for name, group in zip(names, members, strict=True)
    ]
    order = sorted(range(len(methods)), key=lambda i: _temperature_first(methods[i]))
    return [methods[i] for i in order], [members[i] for i in order]


def _name_groups(runs: Sequence[EvaluatedRun], flat: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of methods: those that were given, the others made of settings.

    Args:
        runs: A run of each method.
        flat: The deciding settings of each.

    Raises:
        ConfigError: If a name stands for two methods.
    """
    made = iter(name_methods([settings for run, settings in zip(runs, flat, strict=True) if not run.name]))
    names = [run.name or next(made) for run in runs]
    for place, name in enumerate(names):
        first = names.index(name)
        if first == place:
            continue
        if runs[first].name and runs[place].name:
            keys = sorted(key for key in {*flat[first], *flat[place]} if flat[first].get(key) != flat[place].get(key))
            differing = ", ".join([key for key in keys if key != SEED][:3])
            raise ConfigError(
                f"{name} is the name of {runs[first].folder} and of {runs[place].folder}, which differ in {differing}: "
                "they are two methods; give each a name of its own"
            )
        raise ConfigError(f"the method of {runs[place].folder} is called {name} too, as one you named; choose another")
    return names


def _temperature_first(method: ComparedMethod) -> tuple[bool, float]:
    return method.temperature is None, method.temperature or 0.0


def list_deciding_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of sampling, balancing, model and training that decide a run's result, by dotted key.

    Runs of version 0.1 name no architecture; they have the plain one.

    >>> list_deciding_settings({"data": {"path": "x"}, "training": {"seed": 1, "device": "cpu"}, "model": {"width": 8}})
    {'model.architecture': 'm2m100', 'training.seed': 1, 'model.width': 8}
    """
    plain = {"model.architecture": PLAIN} if "model" in config else {}
    no_matter = set() if config.get("model", {}).get("new_languages") else {"sampling.replay"}
    return plain | {
        f"{section}.{key}": value
        for section, values in config.items()
        if section not in ("data", "vocabulary", "evaluation", "analysis")
        for key, value in values.items()
        if (section != "training" or key not in NO_MATTER) and f"{section}.{key}" not in no_matter
    }


def plain_temperature(config: Mapping[str, Any]) -> float | None:
    """Return T if a run is plain temperature sampling, else None.

    Args:
        config: Flat, as `list_deciding_settings` makes it.
    """
    is_temperature = config["sampling.method"] == "temperature" and config.get("sampling.replay", REPLAY) == REPLAY
    plain = is_temperature and has_plain_weights(config) and not name_optimizer(config)
    return float(config["sampling.temperature"]) if plain else None
