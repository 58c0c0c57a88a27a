"""How the runs were made: configuration, versions, commit, seeds, signatures."""

from collections.abc import Mapping, Sequence
from typing import Any

from catscale.comparison.result import METRICS, Comparison
from catscale.report.history import Run
from catscale.report.tables import cell, column, row_name, write_table
from catscale.system.safe_text import for_page
from catscale.system.yaml_file import dump_yaml

LEFT_OUT = ("training.seed", "train_pairs")  # shown elsewhere


def write_provenance(comparison: Comparison, runs: Sequence[Run]) -> str:
    """The section's HTML: a table of runs, what is the same in all, the first configuration, the signatures."""
    first = next((run for run in runs if run.config), None)
    config = dump_yaml(first.config) if first else "not found"
    name = f"{first.method}, seed {first.seed}" if first else "a run"
    return "\n".join(
        [
            _runs_table(runs),
            _details(f"Configuration of {name}", config),
            _details("Environment shared by all runs", _common_environment(runs)),
            _details("Signatures", _signatures(comparison)),
        ]
    )


def _details(title: str, text: str) -> str:
    return (
        f"<details><summary>{for_page(title)}</summary><pre tabindex='0'>{for_page(text, lines=True)}</pre></details>"
    )


def _runs_table(runs: Sequence[Run]) -> str:
    """A line a run: seed, commit, device, and the settings in which it differs from the first one."""
    first = flatten(runs[0].config) if runs else {}
    rows = []
    for run in runs:
        changed = differing(first, flatten(run.config))
        about = run.environment
        texts = (str(run.seed), _commits(about), str(about.get("device") or "unknown"))
        short = "".join(cell(text) for text in texts)
        settings = ", ".join(changed) or ("the configuration below" if run is runs[0] else "nothing")
        rows.append(row_name(run.method) + short + cell(settings, long=True) + cell(str(run.folder), long=True))
    head = [column(text) for text in ("run", "seed", "commit", "device", "differs from the first in", "folder")]
    return write_table("Runs", head, [rows])


def _commits(environment: Mapping[str, Any]) -> str:
    """The commit that a run began on, and those that went on with it."""
    visits = [environment, *environment.get("continued_by", [])]
    found = [str(visit["commit"] or "unknown")[:16] for visit in visits if "commit" in visit]
    return ", then ".join(found) or "unknown"


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings under dotted names.

    Example:
        >>> flatten({"training": {"seed": 1}, "x": []})
        {'training.seed': 1, 'x': []}
    """
    flat: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return flat


def differing(first: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The settings of `other` that `first` has not, or otherwise, as `key = value`."""
    keys = [key for key in other if key not in LEFT_OUT and other[key] != first.get(key)]
    return [f"{key} = {other[key]}" for key in keys]


def _common_environment(runs: Sequence[Run]) -> str:
    """What every run's environment.json says alike."""
    flats = [flatten(run.environment) for run in runs if run.environment]
    if not flats:
        return "no run has an environment.json"
    same = {k: v for k, v in flats[0].items() if all(flat.get(k) == v for flat in flats)}
    return dump_yaml(same)


def _signatures(comparison: Comparison) -> str:
    """sacreBLEU's, each once with the directions that have it."""
    lines = []
    for metric, by_direction in comparison.signatures.items():
        for signature in dict.fromkeys(by_direction.values()):
            having = [name for name, found in by_direction.items() if found == signature]
            where = "all directions" if len(having) == len(by_direction) else ", ".join(having)
            lines.append(f"{METRICS.get(metric, metric)} ({where}): {signature}")
    sampling = f"bootstrap and randomisation: {comparison.resamples:,} resamples, seed {comparison.seed}"
    return "\n".join([*lines, sampling])
