"""The origin of the runs: configuration, versions, commit, seeds, signatures."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from catscale.balancing.methods.table import METHODS
from catscale.comparison.result import Comparison
from catscale.evaluation.metrics.table import METRICS
from catscale.optimisation.table import DEFAULT, OPTIMIZERS
from catscale.report.data_table import SAMPLING
from catscale.report.history import Run
from catscale.report.html_tables import LONG, write_cell, write_column, write_method_name, write_table
from catscale.settings.dotted import flatten
from catscale.system.console.safe_text import for_page
from catscale.system.reading.yaml_file import dump_yaml


def _device(run: Run) -> str:
    return str(run.environment.get("device") or "unknown")


def _commit(run: Run) -> str:
    return _commits(run.environment)


def _base(run: Run) -> str:
    """Return the pre-trained model that a run started from, with its licence, which what is trained stays under."""
    base = run.environment.get("base")
    if not isinstance(base, Mapping):
        return "random parameters"
    licence = f"licence {base.get('licence') or 'unknown'}, see RUN/licence"
    return f"{Path(str(base.get('path'))).name} ({str(base.get('fingerprint'))[:16]}; {licence})"


Abouts = Sequence[tuple[str, Callable[[Run], str]]]
ABOUT: Abouts = (("commit", _commit), ("device", _device))
STARTED: Abouts = (("started from", _base),)
"""Shown where a run started from a pre-trained model."""
LEFT_OUT = ("training.seed", "train_pairs", "train_tokens")  # shown elsewhere


def write_provenance(comparison: Comparison, runs: Sequence[Run]) -> str:
    """Return the section's HTML: a table of runs, what all share, the first configuration, the signatures."""
    first = next((run for run in runs if run.config), None)
    config = dump_yaml(first.config) if first else "not found"
    name = f"{first.method}, seed {first.seed}" if first else "a run"
    return "\n".join(
        [
            _runs_table(comparison, runs),
            _details(f"Configuration of {name}", config),
            _details("Environment shared by all runs", _common_environment(runs)),
            _details("Signatures", _signatures(comparison)),
        ]
    )


def _details(title: str, text: str) -> str:
    return (
        f"<details><summary>{for_page(title)}</summary><pre tabindex='0'>{for_page(text, lines=True)}</pre></details>"
    )


def _runs_table(comparison: Comparison, runs: Sequence[Run]) -> str:
    """Return a table with a line per method: seeds, settings that differ from the first one's, folders; shared ones
    once."""
    first = flatten(runs[0].config) if runs else {}
    about_runs = _about(runs)
    shared, root = _shared(runs, about_runs), find_common_folder([run.folder for run in runs])
    rows = []
    for place, method in enumerate(comparison.methods):
        mine = [run for run in runs if run.method == method.name]
        changed = dict.fromkeys(line for run in mine for line in find_differing(first, flatten(run.config)))
        settings = ", ".join(changed) or ("the configuration below" if place == 0 else "nothing")
        if method.outside:
            settings = "another system, whose settings, data and budget are not known here"
        texts = [" ".join(map(str, method.seeds)), _folders(mine, root) or ", ".join(method.folders)]
        abouts = [about for name, about in about_runs if name not in shared]
        known = [", ".join(dict.fromkeys(about(run) for run in mine)) for about in abouts]
        cells = "".join(write_cell(text, place) for text in texts)
        cells += "".join(write_cell(text, place, long=len(text) > LONG) for text in known)
        cells += write_cell(settings, place, long=True)
        rows.append(write_method_name(method.name, place) + cells)
    head = ["method", "seeds", "folder", *(name for name, _ in about_runs if name not in shared)]
    told = ["A method's own settings are named where they are not its defaults."]
    told += [f"Folders are below {root}." if root else "", *(f"All runs: {n} {text}." for n, text in shared.items())]
    note = for_page(" ".join(filter(None, told)))
    table = write_table(
        "Runs", [*map(write_column, head), write_column("differs from the first in", long=True)], [rows]
    )
    return f'{table}<p class="note">{note}</p>'


def _about(runs: Sequence[Run]) -> Abouts:
    """Return what is told of each run."""
    return (*ABOUT, *(STARTED if any(run.environment.get("base") for run in runs) else ()))


def _shared(runs: Sequence[Run], abouts: Abouts) -> dict[str, str]:
    """Return what all runs share, by name."""
    found = {name: {about(run) for run in runs} for name, about in abouts}
    return {name: next(iter(texts)) for name, texts in found.items() if len(texts) == 1}


def find_common_folder(folders: Sequence[Path]) -> str:
    """Return the folder that all of them lie in; empty where that is none or the root.

    Example:
        >>> find_common_folder([Path("/a/b/T=1/seed-1"), Path("/a/b/T=5/seed-1")])
        '/a/b'
    """
    parents = [folder.parent for folder in folders]
    if not parents or len({folder.is_absolute() for folder in folders}) > 1:
        return ""
    found = os.path.commonpath(parents)
    return "" if found in ("", os.sep) else found


def _folders(runs: Sequence[Run], root: str) -> str:
    """Return folders from the common one on, with those beside each other under one name."""
    paths = [run.folder.relative_to(root) if root else run.folder for run in runs]
    parents = dict.fromkeys(path.parent for path in paths)
    parts = []
    for parent in parents:
        names = [path.name for path in paths if path.parent == parent]
        parts.append(f"{'' if parent == Path('.') else f'{parent}/'}{', '.join(names)}")
    return "; ".join(parts)


def _commits(environment: Mapping[str, Any]) -> str:
    """Return the commit that a run began on, and those that went on with it."""
    visits = [environment, *environment.get("continued_by", [])]
    found = [str(visit["commit"] or "unknown")[:16] for visit in visits if "commit" in visit]
    return ", then ".join(found) or "unknown"


def find_differing(first: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the settings of `other` that differ from `first`'s or from defaults that it lacks, as `key = value`."""
    usual = _defaults(other)
    keys = [key for key in other if key not in LEFT_OUT and other[key] != first.get(key)]
    keys = [key for key in keys if key in first or key not in usual or other[key] != usual[key]]
    return [f"{key} = {other[key]}" for key in keys]


def _defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of the sampler and the balancing method of a flat configuration."""
    method = METHODS.get(str(config.get("balancing.method")))
    sections: dict[str, Any] = {"balancing": {} if method is None else method().model_dump(mode="json")}
    optimizer = OPTIMIZERS.get(str(config.get("optimizer.method", DEFAULT.method)))
    sections["optimizer"] = {} if optimizer is None else optimizer().model_dump(mode="json")
    with suppress(ValidationError):  # of a later version
        sampling = SAMPLING.validate_python({"method": config.get("sampling.method")})
        sections["sampling"] = sampling.model_dump(mode="json")
    own = flatten(sections)
    return {key: value for key, value in own.items() if not key.endswith(".method")}


def _common_environment(runs: Sequence[Run]) -> str:
    """Return what every run's environment.json agrees on."""
    flats = [flatten(run.environment) for run in runs if run.environment]
    if not flats:
        return "no run has an environment.json"
    same = {k: v for k, v in flats[0].items() if all(flat.get(k) == v for flat in flats)}
    return dump_yaml(same)


def _signatures(comparison: Comparison) -> str:
    """Return the metrics' signatures, each once with the directions that have it."""
    lines = []
    for metric, by_direction in comparison.signatures.items():
        for signature in dict.fromkeys(by_direction.values()):
            having = [name for name, found in by_direction.items() if found == signature]
            where = "all directions" if len(having) == len(by_direction) else ", ".join(having)
            lines.append(f"{METRICS[metric].label} ({where}): {signature}")
    sampling = f"bootstrap and randomisation: {comparison.resamples:,} resamples, seed {comparison.seed}"
    return "\n".join([*lines, sampling])
