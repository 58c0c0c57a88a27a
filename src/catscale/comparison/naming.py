"""Short names of methods, made of their settings."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from catscale.balancing.methods.table import METHODS
from catscale.optimisation.table import DEFAULT, OPTIMIZERS
from catscale.settings.dotted import flatten

SEED = "training.seed"
SHOWN = 3
"""Settings in a name, where no more are needed to tell methods apart."""
LONGEST = 24
"""Characters of a value in a name."""
ORDER = ("model", "sampling", "balancing", "optimizer", "training", "data")
"""Sections, from what tells most of a method."""
MINOR = (
    "data", "model.languages", "training.precision", "training.sub_batch_tokens", "training.validate_every",
    "training.validate_sentences",
)  # fmt: skip
"""Settings that follow from others or from the machine, or hardly matter to a score: named only where nothing else
tells two methods apart."""


def name_methods(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return short names, told apart by settings in which methods of the same name differ.

    Up to three that differ are all named; of more, those that tell the methods apart and the first others, then `…`.

    Args:
        configs: One flat configuration a method, no two alike.

    >>> name_methods([{"sampling.method": "temperature", "sampling.temperature": 5, "balancing.method": "cats",
    ...                "balancing.alpha_lr": rate} for rate in (0.01, 0.1)])
    ['T=5 + CATS alpha_lr=0.01', 'T=5 + CATS alpha_lr=0.1']
    """
    short = [_short_name(config) for config in configs]
    spread = [_spread(config) for config in configs]
    names: list[str] = []
    for name, config, own in zip(short, configs, spread, strict=True):
        alike = [other for other, theirs in zip(spread, short, strict=True) if theirs == name]
        chosen, is_whole = _choose_keys(alike)
        keys = sorted({*chosen, *_variant(config)})
        parts = [
            f"{_last(key, keys)}={_show(own.get(key), [other.get(key) for other in alike])}"
            for key in keys
            if key in own or key.count(".") < 2  # what lies within a setting that is not given goes unnamed
        ]
        full = " ".join([name, *parts, *([] if is_whole else ["…"])])
        same = sum(known == full or known.startswith(f"{full} #") for known in names)
        names.append(f"{full} #{same + 1}" if same else full)  # values that look alike, as nothing and an empty list
    return names


def _spread(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flat configuration in which what lies within a setting has a key of its own, without what follows.

    A setting that holds others is its method or the names in it: `adapters` is "lora", `new_languages` "gl+be".
    """
    spread: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            spread[key] = value.get("method") or "+".join(map(str, value))
            spread |= {name: item for name, item in flatten(value, f"{key}.").items() if name != f"{key}.method"}
        else:
            spread[key] = value
    if spread.get("optimizer.total_steps") == spread.get("training.max_steps"):
        spread.pop("optimizer.total_steps", None)
    return spread


def _choose_keys(alike: Sequence[Mapping[str, Any]]) -> tuple[list[str], bool]:
    """Choose the settings to name, and return whether they are all in which the methods differ and that matter."""
    keys = sorted({key for config in alike for key in config if key != SEED}, key=_rank)
    differing = [key for key in keys if len({repr(config.get(key)) for config in alike}) > 1]
    weighty = [key for key in differing if not _is_minor(key)]
    chosen = weighty if len(weighty) <= SHOWN else []
    while _count_apart(alike, chosen) < _count_apart(alike, differing):
        chosen = [*chosen, max(differing, key=lambda key: _count_apart(alike, [*chosen, key]))]
    others = [key for key in weighty if key not in chosen]
    room = max(0, SHOWN - len(chosen))
    return [*chosen, *others[:room]], len(others) <= room


def _rank(key: str) -> tuple[bool, int, str]:
    section = key.partition(".")[0]
    return _is_minor(key), ORDER.index(section) if section in ORDER else len(ORDER), key


def _is_minor(key: str) -> bool:
    return any(key == minor or key.startswith(f"{minor}.") for minor in MINOR)


def _count_apart(configs: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> int:
    """Return how many of the configurations some settings tell apart."""
    return len({tuple(repr(config.get(key)) for key in keys) for config in configs})


def _short_name(config: Mapping[str, Any]) -> str:
    sampler = str(config["sampling.method"])
    sampling = f"T={_show(config['sampling.temperature'])}" if sampler == "temperature" else sampler
    balancing = str(config["balancing.method"])
    parts = [sampling, METHODS[balancing].__name__ if balancing in METHODS else balancing, name_optimizer(config)]
    if balancing == "fixed":
        parts[1] = "" if has_plain_weights(config) else "fixed weights"
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


def name_optimizer(config: Mapping[str, Any]) -> str:
    """Return what an optimiser is called, where it is not the usual one; else nothing."""
    name = str(config.get("optimizer.method", DEFAULT.method))
    return "" if name == DEFAULT.method else OPTIMIZERS[name].__name__ if name in OPTIMIZERS else name


def has_plain_weights(config: Mapping[str, Any]) -> bool:
    """Return whether the losses of tokens are summed as they are."""
    weights = config.get("balancing.task_weights") or []
    values = weights.values() if isinstance(weights, Mapping) else weights
    usual = config.get("balancing.losses", "tokens") == "tokens" and all(value == 1 for value in values)
    return usual and config["balancing.method"] == "fixed"


def _last(key: str, keys: Sequence[str]) -> str:
    """Return a dotted key without its section, the whole of it where another one ends alike."""
    last = key.partition(".")[2] or key
    return key if sum((other.partition(".")[2] or other) == last for other in keys) > 1 else last


def _show(value: object, others: Sequence[object] = ()) -> str:
    """Return a value in a name; of a path as many of its last parts as tell it from the others."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)  # two values never look the same
    text = str(value).replace(" ", "")
    if isinstance(value, str) and "/" in value:
        text = _shorten_path(value, [other for other in others if isinstance(other, str) and other != value])
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - 5]}…{hashlib.sha256(str(value).encode()).hexdigest()[:4]}"


def _shorten_path(path: str, others: Sequence[str]) -> str:
    """Return the last part of a path, and more where others end alike; of a run's `best` the run as well.

    >>> _shorten_path("/a/x/nllb", ["/a/y/nllb"]), _shorten_path("/models/nllb", []), _shorten_path("/one/best", [])
    ('x/nllb', 'nllb', 'one/best')
    """
    parts, theirs = PurePosixPath(path).parts, [PurePosixPath(other).parts for other in others]
    least = 2 if parts[-1] == "best" else 1
    counts = (n for n in range(least, len(parts)) if all(parts[-n:] != other[-n:] for other in theirs))
    count = next(counts, len(parts))
    return str(PurePosixPath(*parts[-count:]))
