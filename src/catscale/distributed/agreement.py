"""Whether the processes of a run are to do the same: settings, data and code are compared before the first step.

Every process takes every decision by itself, so that another learning rate, seed or corpus on one of them would train
on unnoticed, and another number of steps would leave the others waiting.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import catscale
from catscale.distributed.processes import Processes
from catscale.errors import ConfigError
from catscale.settings.dotted import flatten

OWN = ("data.path", "data.store", "vocabulary.path", "training.device", "training.threads")
"""Settings that each machine may have its own way; what they lead to is compared."""
SHOWN = 5
"""Differences that a message lists."""


class DisagreementError(ConfigError):
    """The processes of a run were told different things (exit status 2); the first process says it for all."""

    def __init__(self, message: str, is_told: bool) -> None:
        super().__init__(message)
        self.is_told = is_told


def require_same(processes: Processes, facts: Mapping[str, Any]) -> None:
    """Compare with the other processes; all of them must call it.

    Args:
        processes: The processes of the run.
        facts: Dotted names and what must be the same everywhere: anything that JSON holds.

    Raises:
        DisagreementError: On all processes, naming the key, the values and whose they are.
    """
    if processes.size == 1:
        return
    found = [json.loads(text) for text in processes.exchange(json.dumps(facts, sort_keys=True))]
    differences = [line for rank in range(1, processes.size) for line in _differences(found[0], found[rank], rank)]
    if differences:
        more = f"\n  and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
        raise DisagreementError(
            f"the {processes.size} processes of a run must be told the same, found:\n  "
            + "\n  ".join(differences[:SHOWN])
            + f"{more}\nstart all of them with the same command, configuration, data and version of catscale",
            is_told=not processes.is_first,
        )


def follow_first(processes: Processes, decided: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the first process decided; all of them must call it.

    Args:
        processes: The processes of the run.
        decided: The decision of the first process, anything of JSON; None of the others.
    """
    found: dict[str, Any] = json.loads(processes.exchange("" if decided is None else json.dumps(decided))[0])
    return found


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that must be the same everywhere, under dotted names.

    Args:
        config: The resolved configuration, as `model_dump(mode="json")` gives it.
    """
    flat = flatten(config)
    corpora = flat.get("data.corpora")
    if isinstance(corpora, list):
        flat["data.corpora"] = [{k: v for k, v in part.items() if k != "path"} for part in corpora]
    return {key: value for key, value in flat.items() if key not in OWN}


def code_version() -> dict[str, str]:
    """Return the versions of catscale and PyTorch, and a checksum of catscale's own source."""
    root, digest = Path(catscale.__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return {
        "version of catscale": catscale.__version__,
        "source of catscale": digest.hexdigest()[:16],
        "version of torch": torch.__version__,
    }


def _differences(first: Mapping[str, Any], other: Mapping[str, Any], rank: int) -> list[str]:
    keys = [*first, *(key for key in other if key not in first)]
    return [
        f"{key}: {_short(first, key)} on process 0, {_short(other, key)} on process {rank}"
        for key in keys
        if first.get(key) != other.get(key)
    ]


def _short(facts: Mapping[str, Any], key: str) -> str:
    text = json.dumps(facts[key], ensure_ascii=False) if key in facts else "not set"
    return text if len(text) <= 80 else text[:77] + "..."
