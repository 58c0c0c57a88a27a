"""Grouping of runs that differ only in their seed, and the name of such a method."""

from collections.abc import Mapping, Sequence
from typing import Any

from catscale.balancing.methods.table import METHODS
from catscale.comparison.comparable import BUDGET
from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.result import ComparedMethod
from catscale.model.saved_config import PLAIN
from catscale.optimisation.table import DEFAULT, OPTIMIZERS
from catscale.sampling.replay import REPLAY
from catscale.training.config import RESUMABLE

SEED = "training.seed"
NO_MATTER = RESUMABLE.difference(BUDGET)
"""Settings of `training` that alter no result."""


def group_runs(runs: Sequence[EvaluatedRun]) -> tuple[list[ComparedMethod], list[list[int]]]:
    """Put runs that differ only in their seed together.

    Args:
        runs: Evaluated runs.

    Returns:
        The methods, plain temperatures first, ascending, the others in the order given; and the places of each
        one's runs in `runs`, by ascending seed.
    """
    flat = [list_deciding_settings(run.config) | {"data": run.fingerprint[:8]} for run in runs]
    keys = [tuple((key, repr(value)) for key, value in sorted(f.items()) if key != SEED) for f in flat]
    members = [[i for i, key in enumerate(keys) if key == found] for found in dict.fromkeys(keys)]
    members = [sorted(group, key=lambda i: runs[i].seed) for group in members]
    names = name_methods([flat[group[0]] for group in members])
    methods = [
        ComparedMethod(
            name, [runs[i].seed for i in group], [str(runs[i].folder) for i in group], plain_temperature(flat[group[0]])
        )
        for name, group in zip(names, members, strict=True)
    ]
    order = sorted(range(len(methods)), key=lambda i: _temperature_first(methods[i]))
    return [methods[i] for i in order], [members[i] for i in order]


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
    plain = is_temperature and _has_plain_weights(config) and not _optimizer_name(config)
    return float(config["sampling.temperature"]) if plain else None


def _optimizer_name(config: Mapping[str, Any]) -> str:
    """Return what an optimiser is called, where it is not the usual one; else nothing."""
    name = str(config.get("optimizer.method", DEFAULT.method))
    return "" if name == DEFAULT.method else OPTIMIZERS[name].__name__ if name in OPTIMIZERS else name


def _has_plain_weights(config: Mapping[str, Any]) -> bool:
    """Return whether the losses of tokens are summed as they are."""
    weights = config.get("balancing.task_weights") or []
    values = weights.values() if isinstance(weights, Mapping) else weights
    usual = config.get("balancing.losses", "tokens") == "tokens" and all(value == 1 for value in values)
    return usual and config["balancing.method"] == "fixed"


def name_methods(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return short names, told apart by the settings in which methods of the same name differ.

    Args:
        configs: One flat configuration a method, no two alike.

    >>> name_methods([{"sampling.method": "temperature", "sampling.temperature": 5, "balancing.method": "cats",
    ...                "balancing.alpha_lr": rate} for rate in (0.01, 0.1)])
    ['T=5 + CATS alpha_lr=0.01', 'T=5 + CATS alpha_lr=0.1']
    """
    short = [_short_name(config) for config in configs]
    names = []
    for name, config in zip(short, configs, strict=True):
        alike = [other for other, theirs in zip(configs, short, strict=True) if theirs == name]
        keys = sorted({key for other in alike for key in other if key != SEED})
        variant = _variant(config)
        differing = [k for k in keys if k in variant or len({repr(other.get(k)) for other in alike}) > 1]
        names.append(" ".join([name, *(f"{_last(key, differing)}={_show(config.get(key))}" for key in differing)]))
    return names


def _short_name(config: Mapping[str, Any]) -> str:
    sampler = str(config["sampling.method"])
    sampling = f"T={_show(config['sampling.temperature'])}" if sampler == "temperature" else sampler
    balancing = str(config["balancing.method"])
    parts = [sampling, METHODS[balancing].__name__ if balancing in METHODS else balancing, _optimizer_name(config)]
    if balancing == "fixed":
        parts[1] = "" if _has_plain_weights(config) else "fixed weights"
    return " + ".join(filter(None, parts))


def _variant(config: Mapping[str, Any]) -> set[str]:
    """Return the settings that choose another algorithm of the balancing method than its default: those with words as
    values.

    What is published under a method's name and what is its default here may differ: each is called what it is.
    """
    name = str(config["balancing.method"])
    if name == "fixed" or name not in METHODS:
        return set()
    usual = METHODS[name]().model_dump(mode="json")
    words = {f"balancing.{key}": value for key, value in usual.items() if isinstance(value, str)}
    return {key for key, value in words.items() if isinstance(config.get(key), str) and config[key] != value}


def _last(key: str, keys: Sequence[str]) -> str:
    """Return the last part of a dotted key, the whole of it where another one ends alike."""
    last = key.rpartition(".")[2]
    return key if sum(other.rpartition(".")[2] == last for other in keys) > 1 else last


def _show(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)  # two values never look the same
    return str(value).replace(" ", "")
